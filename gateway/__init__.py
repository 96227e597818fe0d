"""The gateway: the web page and the HTTP API that people and programs submit films to."""
