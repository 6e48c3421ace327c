//! Ports whose calls can go wrong.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use shared::domain::{ConnectionId, DocumentId, Principal, ProviderName, Timestamp};
use shared::ports::store::{Item, Key, Page, Query, Write};
use shared::ports::{
    Document, DocumentSummary, Documents, DocumentsError, Durability, EventEntry, Events,
    EventsError, OutgoingMessage, Passage, Push, PushError, Queue, QueueError, Receipt,
    SearchQuery, Secrets, SecretsError, SigningKeys, Store, StoreError,
};

use super::{PortCall, PortCaller};

/// The text of every injected error.
const INJECTED: &str = "injected by a test";

/// A port around which faults are laid: each call is made by the caller.
#[derive(Debug)]
pub struct Faulty<P: ?Sized, C> {
    caller: C,
    port: Arc<P>,
}

impl<P: ?Sized, C> Faulty<P, C> {
    /// Puts a caller around a port.
    pub const fn new(port: Arc<P>, caller: C) -> Self {
        Self { caller, port }
    }

    /// Returns the port without the faults.
    pub const fn port(&self) -> &Arc<P> {
        &self.port
    }
}

fn store_unavailable<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable(INJECTED.into()))
}

#[async_trait]
impl<P: Store + ?Sized, C: PortCaller> Store for Faulty<P, C> {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.caller.call(PortCall::Get, self.port.get(keys), store_unavailable).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let kind = PortCall::of_query(query);
        self.caller.call(kind, self.port.query(query), store_unavailable).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let kind = PortCall::of_write(&write);
        self.caller.call(kind, self.port.write(write, durability), store_unavailable).await
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let kind = PortCall::of_transaction(&writes);
        self.caller.call(kind, self.port.transact(writes, durability), store_unavailable).await
    }

    async fn synced(&self) -> Result<(), StoreError> {
        self.caller.call(PortCall::Synced, self.port.synced(), store_unavailable).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.caller.call(PortCall::Due, self.port.due(until, limit), store_unavailable).await
    }
}

fn queue_unavailable<T>() -> Result<T, QueueError> {
    Err(QueueError::Unavailable(INJECTED.into()))
}

#[async_trait]
impl<P: Queue + ?Sized, C: PortCaller> Queue for Faulty<P, C> {
    async fn send(&self, message: OutgoingMessage) -> Result<(), QueueError> {
        self.caller.call(PortCall::Send, self.port.send(message), queue_unavailable).await
    }

    async fn change_visibility(
        &self,
        receipt: &Receipt,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let call = self.port.change_visibility(receipt, visibility);
        self.caller.call(PortCall::Hide, call, queue_unavailable).await
    }
}

fn push_failed() -> Result<(), PushError> {
    Err(PushError::Failed(INJECTED.into()))
}

#[async_trait]
impl<P: Push + ?Sized, C: PortCaller> Push for Faulty<P, C> {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        self.caller.call(PortCall::Push, self.port.push(connection, frame), push_failed).await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.caller.call(PortCall::Close, self.port.close(connection), push_failed).await
    }
}

#[async_trait]
impl<P: Events + ?Sized, C: PortCaller> Events for Faulty<P, C> {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        let failure = || Err(EventsError(INJECTED.into()));
        self.caller.call(PortCall::PutEvents, self.port.put(entries), failure).await
    }
}

fn documents_unavailable<T>() -> Result<T, DocumentsError> {
    Err(DocumentsError::Unavailable(INJECTED.into()))
}

#[async_trait]
impl<P: Documents + ?Sized, C: PortCaller> Documents for Faulty<P, C> {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let call = self.port.fetch(id, reader);
        self.caller.call(PortCall::Document, call, documents_unavailable).await
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        self.caller.call(PortCall::Search, self.port.list(reader), documents_unavailable).await
    }

    async fn search(&self, query: SearchQuery<'_>) -> Result<Vec<Passage>, DocumentsError> {
        self.caller.call(PortCall::Search, self.port.search(query), documents_unavailable).await
    }

    fn is_searchable(&self) -> bool {
        self.port.is_searchable()
    }
}

#[async_trait]
impl<P: Secrets + ?Sized, C: PortCaller> Secrets for Faulty<P, C> {
    async fn provider_key(
        &self,
        provider: ProviderName,
    ) -> Result<Option<SecretString>, SecretsError> {
        let failure = || Err(SecretsError(INJECTED.into()));
        self.caller.call(PortCall::Keys, self.port.provider_key(provider), failure).await
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        let failure = || Err(SecretsError(INJECTED.into()));
        self.caller.call(PortCall::Keys, self.port.signing_keys(), failure).await
    }

    async fn refresh(&self, provider: ProviderName) -> bool {
        self.port.refresh(provider).await
    }
}
