//! `withal::generator`, promise by promise. None of it does I/O where it is about soundness, so that Miri can run it.
