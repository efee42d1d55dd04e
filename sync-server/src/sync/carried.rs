//! A push may come by way of another device: changes that were exported to a file where there was no
//! network. Whoever carries them needs no more rights than to write; what counts is the signature of
//! the device whose changes they are, and they settle as that device's own.

use crate::{
    app::{App, Principal, PrincipalKind},
    error::ServerError,
    store::devices,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use stillage_core::wire::{CarriedPush, PushAnswer, PushInput};

/// Takes a desktop's push, its own or a carried one.
pub async fn push_changes(
    app: &App,
    principal: &Principal,
    CarriedPush { push, signature }: CarriedPush,
) -> Result<PushAnswer, ServerError> {
    match signature {
        Some(signature) if principal.device != push.device => {
            principal.require_write()?;
            if principal.kind != PrincipalKind::Desktop {
                return Err(ServerError::Forbidden("Only a desktop may hand over what another one recorded."));
            }
            let key = devices::public_key(&app.pool, app.org, push.device)
                .await?
                .ok_or(ServerError::Forbidden("The device that recorded this is not known here, or was revoked."))?;
            if !is_signed(app, &push, (&key, &signature)) {
                return Err(ServerError::Forbidden("This is not signed by the device that recorded it."));
            }
            app.pusher.push_carried(push).await
        }
        _ => app.pusher.push(principal, push).await,
    }
}

fn is_signed(app: &App, push: &PushInput, (key, signature): (&str, &str)) -> bool {
    let bytes = |text: &str| STANDARD.decode(text).ok();
    let key = bytes(key).and_then(|key| <[u8; 32]>::try_from(key).ok());
    let key = key.and_then(|key| VerifyingKey::from_bytes(&key).ok());
    let signature = bytes(signature).and_then(|signature| Signature::from_slice(&signature).ok());
    match (key, signature) {
        (Some(key), Some(signature)) => key.verify_strict(&push.signed_text(app.org), &signature).is_ok(),
        _ => false,
    }
}
