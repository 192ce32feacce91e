"""Write TFLite models with LiteRT's own schema, and run one; by the Python that has it.

`python litert.py MODEL FLEX`: y = x + w, and the same with a Flex operator.
"""

import sys
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter


def made(custom: bytes) -> bytes:
    model = schema.ModelT()
    model.version = 3
    model.description = b"made by hand"
    code = schema.OperatorCodeT()
    code.builtinCode = schema.BuiltinOperator.ADD
    if custom:
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = custom
    model.operatorCodes = [code]
    weights = schema.BufferT()
    weights.data = np.frombuffer(np.ones(4, "<f4").tobytes(), np.uint8)
    model.buffers = [schema.BufferT(), weights]
    graph = schema.SubGraphT()
    graph.tensors = [tensor(b"x", 0), tensor(b"w", 1), tensor(b"y", 0)]
    graph.inputs, graph.outputs, graph.name = [0], [2], b"main"
    node = schema.OperatorT()
    node.opcodeIndex, node.inputs, node.outputs = 0, [0, 1], [2]
    if not custom:
        node.builtinOptionsType = schema.BuiltinOptions.AddOptions
        node.builtinOptions = schema.AddOptionsT()
    graph.operators = [node]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def tensor(name: bytes, buffer: int) -> schema.TensorT:
    found = schema.TensorT()
    found.shape, found.type, found.buffer, found.name = [4], 0, buffer, name
    return found


def main(model: str, flex: str) -> None:
    Path(model).write_bytes(made(b""))
    Path(flex).write_bytes(made(b"FlexReadFile"))
    interpreter = Interpreter(model_path=model)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.ones(4, "f4"))
    interpreter.invoke()
    sys.stdout.write(f"{interpreter.get_tensor(2)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
