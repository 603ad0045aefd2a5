"""A stand-in for the carrier: a process of its own that speaks Twilio's REST API and knows us only over HTTP."""
