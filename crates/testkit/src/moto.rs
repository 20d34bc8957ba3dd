//! moto's S3 server as a child process: an object store that is not ours.

use crate::wait::SOON;
use crate::{Process, http, http::Answer};
use ::http::Method;
use anyhow::{Result, ensure};
use bytes::Bytes;
use std::net::SocketAddr;

/// The server's program.
const SERVER: &str = include_str!("atomic_moto.py");

/// A header that looks right.
const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
                         SignedHeaders=host, Signature=00";

/// A running server. Dropping it ends it, and all that it stored is gone.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    address: SocketAddr,
}

impl Moto {
    /// Starts a server on a port of its own.
    ///
    /// # Errors
    /// When Python or moto is missing, or the server does not come up.
    pub async fn start() -> Result<Moto> {
        let args = ["-u", "-c", SERVER, "-H", "127.0.0.1", "-p", "0"];
        let mut process = Process::spawn(crate::python()?, args, &[])?;
        let url = |line: &str| {
            let (_, address) = line.split_once("Running on http://")?;
            address.split_whitespace().next()?.parse().ok()
        };
        let address = process.line("its address", SOON, url).await?;
        Ok(Moto { process, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process, to freeze or kill it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Makes a bucket. Names have at least three characters.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_bucket(&self, name: &str) -> Result<()> {
        let answer = self.send(Method::PUT, &format!("/{name}"), &[], "").await?;
        ensure!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
        Ok(())
    }

    /// From now on so many of a hundred objects of the journal and of blocks, chosen by `salt`, may not be
    /// read; with 0 all may.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn deny(&self, share: u8, salt: u64) -> Result<()> {
        let answer = self.send(Method::PUT, "/.denied", &[], format!("{share} {salt}")).await?;
        ensure!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
        Ok(())
    }

    /// Sends a request in S3's language, e.g. to look at what was stored. The server wants a
    /// signature and does not check it.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let mut headers = headers.to_vec();
        headers.push(("authorization", SIGNATURE));
        http::send(self.address, method, path, &headers, body).await
    }

    /// Environment by which an S3 client finds this server: endpoint, region, keys.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT", format!("http://{}", self.address)),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ]
    }

    /// Environment by which a client of Google's XML interface finds this server: an account that says
    /// where it is, and asks no one for a token.
    pub fn google_env(&self) -> Vec<(&'static str, String)> {
        let account = format!(
            r#"{{"gcs_base_url": "http://{}", "disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""}}"#,
            self.address
        );
        vec![("GOOGLE_SERVICE_ACCOUNT_KEY", account), ("GOOGLE_ALLOW_HTTP", "true".to_owned())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bucket_holds_what_is_put_there_once() {
        let moto = Moto::start().await.unwrap();
        moto.create_bucket("bucket").await.unwrap();
        let put = async |body: &'static str| {
            let only_new = [("if-none-match", "*")];
            moto.send(Method::PUT, "/bucket/key", &only_new, body).await.unwrap()
        };
        assert_eq!(put("first").await.status, 200);
        assert_eq!(put("second").await.status, 412);
        assert_eq!(moto.send(Method::GET, "/bucket/key", &[], "").await.unwrap().text(), "first");
    }
    #[tokio::test]
    async fn what_is_denied_is_listed_and_not_read() {
        let moto = Moto::start().await.unwrap();
        moto.create_bucket("bucket").await.unwrap();
        let send = async |method, path: &str| moto.send(method, path, &[], "x").await.unwrap();
        let (object, other) = ("/bucket/journal/log/1", "/bucket/cluster.json");
        for path in [object, other] {
            assert_eq!(send(Method::PUT, path).await.status, 200);
        }
        moto.deny(100, 1).await.unwrap();
        assert_eq!(send(Method::GET, object).await.status, 403);
        assert_eq!(send(Method::GET, other).await.status, 200);
        assert!(send(Method::GET, "/bucket").await.text().contains("journal/log/1"));
        moto.deny(0, 1).await.unwrap();
        assert_eq!(send(Method::GET, object).await.status, 200);
    }
}
