//! Events of schedules: `{"task":"…"}`.

use serde_json::Value;

/// The task that a schedule triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduledTask {
    /// None; the invocation keeps the function warm.
    Warm,
    /// The cleanup.
    CleanUp,
}

impl ScheduledTask {
    /// Reads a schedule's event; `None` for every other event.
    pub fn of(event: &Value) -> Option<Self> {
        match event.get("task")?.as_str()? {
            "warm" => Some(Self::Warm),
            "cleanup" => Some(Self::CleanUp),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ScheduledTask;

    #[test]
    fn tasks_are_told_from_other_events() {
        assert_eq!(ScheduledTask::of(&json!({ "task": "warm" })), Some(ScheduledTask::Warm));
        assert_eq!(ScheduledTask::of(&json!({ "task": "cleanup" })), Some(ScheduledTask::CleanUp));
        assert_eq!(ScheduledTask::of(&json!({ "task": "dance" })), None);
        assert_eq!(ScheduledTask::of(&json!({ "Records": [] })), None);
        assert_eq!(ScheduledTask::of(&json!("task")), None);
    }
}
