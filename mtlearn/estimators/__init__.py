"""The families of models, one a file: a penalty with a name, parameters and documentation."""
