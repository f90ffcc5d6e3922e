//! What was asked of agents that nothing holds them to: for an agent of the user's own no flags are
//! known.

use codeloops_adapters::resolve::table_of;
use codeloops_event::{CriticAccess, Permissions, Role};

use super::{RoleSettings, RunSettings};
use crate::values::Words;

impl RunSettings {
    /// A warning for each setting that is left to an agent which was given no arguments for it.
    #[must_use]
    pub fn left_to_agents(&self) -> Vec<String> {
        [&self.actor, &self.critic].into_iter().filter_map(|role| self.left_to(role)).collect()
    }

    fn left_to(&self, role: &RoleSettings) -> Option<String> {
        let spec = &role.agent.value;
        let (key, arguments) = match role.role {
            Role::Actor => ("actor_args", &spec.actor_args),
            Role::Critic => ("critic_args", &spec.critic_args),
        };
        if spec.can_be_held() || !arguments.is_empty() {
            return None;
        }
        let (setting, id) = (self.restriction(role.role)?, &spec.id);
        Some(format!(
            "{setting} is up to `{id}` itself: codeloops knows no flags for it; give them as `{key}` \
             under {}",
            table_of(id)
        ))
    }

    /// The setting that keeps a role from what it may do by default.
    fn restriction(&self, role: Role) -> Option<String> {
        let (permissions, access) = (self.permissions.value, self.critic_access.value);
        match (role, permissions, access) {
            (Role::Critic, _, CriticAccess::ReadOnly) => {
                Some(format!("`critic_access = \"{}\"`", access.word()))
            }
            (_, Permissions::Edits, _) => {
                Some(format!("`permissions = \"{}\"`", permissions.word()))
            }
            _ => None,
        }
    }
}
