//! What schedules send: `{"task":"…"}`.

use serde_json::Value;

/// What a schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Nothing: the function only stays warm.
    Warm,
    /// The cleanup.
    CleanUp,
}

impl Task {
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

    use super::Task;

    #[test]
    fn tasks_are_told_from_other_events() {
        assert_eq!(Task::of(&json!({ "task": "warm" })), Some(Task::Warm));
        assert_eq!(Task::of(&json!({ "task": "cleanup" })), Some(Task::CleanUp));
        assert_eq!(Task::of(&json!({ "task": "dance" })), None);
        assert_eq!(Task::of(&json!({ "Records": [] })), None);
        assert_eq!(Task::of(&json!("task")), None);
    }
}
