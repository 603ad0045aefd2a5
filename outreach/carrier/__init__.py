"""The carrier: protocol, error kinds, and the Twilio adapter."""
