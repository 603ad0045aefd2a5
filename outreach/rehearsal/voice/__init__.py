"""Calls of the rehearsal carrier: REST API, TwiML, who is at the other end, and a ledger of legs."""
