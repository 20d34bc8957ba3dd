//! Who is calling, and what they may.
//!
//! Decisions are functions of plain data: is this token signed by that issuer, made for us, of now
//! ([`token`]); whom does this certificate name ([`certificate`]); which tenants does the table give
//! that identity ([`rules`]); what follows from all of it ([`gate`]). Around them stands what reads
//! files ([`files`], [`policy`]) and what speaks TLS ([`tls`]).
//!
//! In flow the bytes of files that an operator wrote or Kubernetes keeps, and what callers show; out
//! flow configurations of TLS, identities, and refusals with their reasons. It knows neither spans nor
//! routes, and must depend on none of the crates that do.

pub mod certificate;
pub mod files;
pub mod gate;
mod identity;
pub mod policy;
pub mod rules;
pub mod tls;
pub mod token;

pub use gate::{Auth, Caller, Known, Refusal, Shown};
pub use identity::{Account, Identity};
pub use policy::Policy;
