//! In-memory adapters that behave like the real services.
