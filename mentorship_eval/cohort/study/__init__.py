"""study.yaml: its keys as typed models, and the reader that says where it is wrong."""
