"""A library of policies for models: demands, places, and what is composed of them.

For each kind of object there is one ImageValidatingPolicy with several rules in it:
two that verify the same image block each other in Kyverno 1.19.0.
"""
