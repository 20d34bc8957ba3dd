//! What a span tells of a call between two services; Tempo's rules.

use crate::attributes::{self as key, Found, first};
use std::borrow::Cow;
use std::sync::Arc;
use tributary_span::columns::Columns;

/// OTLP's numbers of kinds.
pub(crate) const SERVER: i32 = 2;
pub(crate) const CLIENT: i32 = 3;
pub(crate) const PRODUCER: i32 = 4;
pub(crate) const CONSUMER: i32 = 5;

/// The client of a request whose caller sends no spans and has no name.
const USER: &str = "user";

/// What lies between two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ConnectionType {
    /// A call.
    #[default]
    Direct,
    /// A queue.
    MessagingSystem,
    /// The server is a database.
    Database,
    /// One of the two sends no spans.
    VirtualNode,
}

impl ConnectionType {
    /// All of them.
    const ALL: [ConnectionType; 4] =
        [Self::Direct, Self::MessagingSystem, Self::Database, Self::VirtualNode];

    /// As the label says it; empty for a call.
    pub fn name(self) -> &'static str {
        match self {
            ConnectionType::Direct => "",
            ConnectionType::MessagingSystem => "messaging_system",
            ConnectionType::Database => "database",
            ConnectionType::VirtualNode => "virtual_node",
        }
    }

    /// The one with this name.
    pub(crate) fn of(name: &str) -> ConnectionType {
        Self::ALL.into_iter().find(|own| own.name() == name).unwrap_or_default()
    }
}

/// What is known of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) client: Option<Arc<str>>,
    pub(crate) server: Option<Arc<str>>,
    pub(crate) client_ns: u64,
    pub(crate) server_ns: u64,
    pub(crate) connection: ConnectionType,
    /// One of the sides has an error.
    pub(crate) failed: bool,
    /// What an attribute says of who is on the other side.
    pub(crate) peer: Option<Box<str>>,
    /// The server's span has no parent.
    pub(crate) is_root: bool,
}

/// What one span tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) service: &'a Arc<str>,
    pub(crate) kind: i32,
    pub(crate) ns: u64,
    pub(crate) failed: bool,
    /// Attributes of its resource and its own.
    pub(crate) found: [&'a Found; 2],
    pub(crate) columns: &'a Columns,
}

fn filled<'a>(text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    (!text.is_empty()).then_some(text)
}

impl<'a> Side<'a> {
    /// Who is on the other side, by the first of Tempo's attributes that the span has; a queue that a
    /// producer names counts last.
    fn peer(&self) -> Option<Cow<'a, str>> {
        let [_, own] = self.found;
        let keys = [key::PEER_SERVICE, key::DB_NAME, key::DB_SYSTEM, key::DB_SYSTEM_NAME];
        let known = keys.iter().find_map(|key| own.text(*key, self.columns));
        let queue = || match self.kind {
            PRODUCER => own.text(key::MESSAGING_SYSTEM, self.columns),
            _ => None,
        };
        known.or_else(queue).and_then(filled)
    }

    /// The database that a client's span is about: its name, or nothing when the name is empty. None
    /// when it is about no database.
    pub(crate) fn database(&self) -> Option<Option<Cow<'a, str>>> {
        let of = |key| first(self.found, key, self.columns);
        let keys = [key::DB_NAMESPACE, key::DB_NAME, key::DB_SYSTEM, key::DB_SYSTEM_NAME];
        let name = keys.into_iter().find_map(of)?;
        let host = || {
            let host = of(key::PEER_ADDRESS)?;
            Some(match of(key::PEER_PORT) {
                Some(port) => Cow::Owned(format!("{host}:{port}")),
                None => host,
            })
        };
        let told = of(key::PEER_SERVICE).or_else(|| of(key::SERVER_ADDRESS)).or_else(host);
        Some(filled(told.unwrap_or(name)))
    }

    fn connection(&self) -> ConnectionType {
        match self.kind {
            PRODUCER | CONSUMER => ConnectionType::MessagingSystem,
            _ => ConnectionType::Direct,
        }
    }
}

impl Edge {
    /// What a caller's span adds. Of a database it tells both sides.
    pub(crate) fn add_client(&mut self, side: &Side<'_>) {
        self.client = Some(side.service.clone());
        self.client_ns = side.ns;
        self.connection = side.connection();
        if let Some(name) = side.database() {
            self.connection = ConnectionType::Database;
            self.server_ns = side.ns;
            if let Some(name) = name {
                self.server = Some(Arc::from(crate::labels::cut(&name)));
            }
        }
        self.add(side);
    }

    /// What a called one's span adds.
    pub(crate) fn add_server(&mut self, side: &Side<'_>, is_root: bool) {
        self.server = Some(side.service.clone());
        self.server_ns = side.ns;
        self.connection = side.connection();
        self.is_root |= is_root;
        self.add(side);
    }

    fn add(&mut self, side: &Side<'_>) {
        self.failed |= side.failed;
        // Who is on the other side is known, or has to be told by what this one says.
        if self.ends().is_none()
            && let Some(peer) = side.peer()
        {
            self.peer = Some(crate::labels::cut(&peer).into());
        }
    }

    /// Both sides, when they are known.
    pub(crate) fn ends(&self) -> Option<(&str, &str)> {
        self.client.as_deref().zip(self.server.as_deref())
    }

    /// Both sides when one of them has not come: a caller outside, or what an attribute names. None
    /// when nothing tells who it is.
    pub(crate) fn ends_of_one(&self) -> Option<(&str, &str)> {
        let peer = self.peer.as_deref();
        match (self.client.as_deref(), self.server.as_deref()) {
            (None, Some(server)) if self.is_root => Some((peer.unwrap_or(USER), server)),
            (Some(client), None) => Some((client, peer?)),
            _ => None,
        }
    }

    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        let len = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len() + 16);
        len(&self.client) + len(&self.server) + self.peer.as_ref().map_or(0, |peer| peer.len())
    }
}
