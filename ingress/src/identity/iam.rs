//! IAM identities, as API Gateway states them.

use shared::domain::Principal;

/// Who IAM says is calling: only what stays the same for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IamIdentity {
    /// The Cognito identity pool's id of the client, `cognitoIdentityId`.
    pub cognito_identity_id: Option<String>,
    /// The user's or role's unique id with its session name, `user`, such as `AROAEXAMPLE:alice`.
    pub unique_id: Option<String>,
}

impl IamIdentity {
    /// Returns the principal: Cognito's identity where there is one, since all of a pool share a
    /// role.
    pub(crate) fn principal(&self) -> Option<Principal> {
        let given = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
        let id = match given(&self.cognito_identity_id) {
            Some(id) => format!("cognito:{id}"),
            None => given(&self.unique_id)?,
        };
        Principal::parse(format!("iam:{id}")).ok()
    }
}
