use super::fleet_progress::FleetProgress;

/// The result of [`Fleet::run`](super::Fleet::run).
#[derive(Debug, Clone)]
#[must_use = "partitions may have been set aside"]
#[non_exhaustive]
pub struct Report {
    /// The number of partitions that this run has finished.
    pub finished: u64,
    /// The number of attempts of this run that have failed or panicked.
    pub failed: u64,
    /// The number of claims of this run that have lost their lease, or could not be released.
    pub lost: u64,
    /// `true` if the run was stopped by [`stop_when`](super::Fleet::stop_when).
    pub is_stopped: bool,
    /// The progress of the whole fleet at the end of this run, with the partitions that were
    /// [set aside](FleetProgress::set_aside) and their errors; `None` if the run was stopped and the engine does not answer within
    /// a second.
    pub progress: Option<FleetProgress>,
}
