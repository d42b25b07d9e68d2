//! The examples of the documentation that need a driver, compiled as tests.

macro_rules! examples {
    ($($name:ident: $file:literal;)*) => {$(
        #[doc = include_str!(concat!("../../../src/resources/sqlx/examples/", $file))]
        pub struct $name;
    )*};
}

examples! {
    AdvisoryLock: "advisory_lock.md";
    AdvisoryXactLock: "advisory_xact_lock.md";
    Overview: "overview.md";
    Run: "run.md";
    RunSend: "run_send.md";
    Savepoint: "savepoint.md";
    Transaction: "transaction.md";
}
