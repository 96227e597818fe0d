"""From films to a published model: prepare, train, calibrate, evaluate, export, engine, gate, publish."""
