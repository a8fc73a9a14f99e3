"""From answers to judgement: claims and checklists held against what was found. Fits nothing itself."""
