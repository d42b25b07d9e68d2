//! `withal::pages`, promise by promise.

mod http;
