//! Figures and orders over HTTP: `/metrics` for Prometheus, `/health`, and `/reload`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::house::{Control, Registry};
use crate::metrics;
use crate::program;
use crate::stream::error_words;

#[derive(Clone)]
struct Office {
    registry: Registry,
    control: Arc<Control>,
}

pub async fn bind(address: &str) -> Result<TcpListener, String> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| format!("cannot listen at {address}: {}", error_words(&error)))
}

pub async fn serve(listener: TcpListener, registry: Registry, control: Arc<Control>) {
    let router = Router::new()
        .route("/metrics", get(give_metrics))
        .route("/health", get(async || "ok\n"))
        .route("/reload", post(reload))
        .with_state(Office { registry, control });
    // It ends with the program only.
    drop(axum::serve(listener, router).await);
}

async fn give_metrics(State(office): State<Office>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let text = metrics::text(&office.registry.pools());
    ([(header::CONTENT_TYPE, kind)], text)
}

/// Has the configuration read again, if it could be used.
async fn reload(State(office): State<Office>) -> (StatusCode, String) {
    match program::read(&office.control.path) {
        Ok(_) => {
            office.control.reload.notify_one();
            (
                StatusCode::ACCEPTED,
                "the configuration is read again\n".to_owned(),
            )
        }
        Err(what) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{what}\n")),
    }
}
