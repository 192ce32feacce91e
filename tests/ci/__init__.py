"""The action and the component, run as GitHub and GitLab would run them."""
