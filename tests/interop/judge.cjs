// Verifies a bundle with node's @sigstore/verify; prints its payload.
// judge.cjs BUNDLE TRUSTED_ROOT --key PUBLIC_PEM | --identity SAN ISSUER
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const [bundlePath, rootPath, how, who, issuer] = process.argv.slice(2);
const json = (path) => JSON.parse(fs.readFileSync(path, 'utf8'));
const keyed = how === '--key';
const named = () => ({
  publicKey: crypto.createPublicKey(fs.readFileSync(who)),
  validFor: () => true,
});
const bundle = bundleFromJSON(json(bundlePath));
const trust = toTrustMaterial(
  TrustedRoot.fromJSON(json(rootPath)), keyed ? named : undefined);
// A key's bundle needs neither a log nor a time; what is there has to hold.
const verifier = new Verifier(
  trust, keyed ? { tlogThreshold: 0, timestampThreshold: 0 } : {});
const policy = keyed
  ? undefined
  : { subjectAlternativeName: who, extensions: { issuer } };
try {
  verifier.verify(toSignedEntity(bundle), policy);
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  process.exit(3);
}
process.stdout.write(bundle.content.dsseEnvelope.payload);
