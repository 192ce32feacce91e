"""The model card: what people wrote stays, what the files say is added."""
