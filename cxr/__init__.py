"""The words and doors that every PneumoServe process shares (cxr: the field's abbreviation for chest X-ray)."""
