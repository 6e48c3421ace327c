//! Requests and answers, one by one.
