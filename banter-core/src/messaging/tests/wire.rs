//! What sending costs, counted where it cannot be hidden: on the wire to PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::ExposeSecret as _;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::*;
use crate::config;

/// Stands between the pool and the server, and counts what the pool asks.
#[derive(Clone, Default)]
struct Tap {
    /// Statements run: `Execute` and simple `Query`.
    statements: Arc<AtomicUsize>,
    /// Times the pool stopped to wait for an answer: `Sync` and simple `Query`.
    waits: Arc<AtomicUsize>,
}

impl Tap {
    fn divert(&self, database: &mut config::Database) {
        let server: PgConnectOptions = database.url.expose_secret().parse().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let here = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(server.get_username())
            .database(server.get_database().unwrap())
            .ssl_mode(PgSslMode::Disable);
        database.url = here.to_url_lossy().to_string().into();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let tap = self.clone();
        tokio::spawn(async move {
            while let Ok((pool, _)) = listener.accept().await {
                match server.get_socket() {
                    Some(directory) => {
                        let socket = directory.join(format!(".s.PGSQL.{}", server.get_port()));
                        tap.join(pool, UnixStream::connect(socket).await.unwrap());
                    }
                    None => {
                        let address = (server.get_host(), server.get_port());
                        tap.join(pool, TcpStream::connect(address).await.unwrap());
                    }
                }
            }
        });
    }

    fn join(&self, pool: TcpStream, server: impl AsyncRead + AsyncWrite + Send + 'static) {
        let (mut from_pool, mut to_pool) = pool.into_split();
        let (mut from_server, mut to_server) = tokio::io::split(server);
        tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_pool).await });
        let tap = self.clone();
        tokio::spawn(async move {
            // The first message has no type; every other is a type, a length that counts itself, and a body.
            let mut kind = 0;
            loop {
                let length = from_pool.read_u32().await?;
                let mut body = vec![0; length as usize - 4];
                from_pool.read_exact(&mut body).await?;
                tap.statements.fetch_add(usize::from(matches!(kind, b'E' | b'Q')), Ordering::SeqCst);
                tap.waits.fetch_add(usize::from(matches!(kind, b'S' | b'Q')), Ordering::SeqCst);
                if kind != 0 {
                    to_server.write_u8(kind).await?;
                }
                to_server.write_u32(length).await?;
                to_server.write_all(&body).await?;
                kind = from_pool.read_u8().await?;
            }
            #[expect(unreachable_code, reason = "names the type of the errors above")]
            std::io::Result::Ok(())
        });
    }
}

#[tokio::test]
async fn a_send_is_one_statement_and_one_wait() {
    let tap = Tap::default();
    let diverts = tap.clone();
    let world = World::builder()
        .config(move |config| {
            config.database.max_connections = 1;
            diverts.divert(&mut config.database);
        })
        .build()
        .await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let conversation = world.acquaint(&asha, &ravi).await;
    send(&world, &asha, draft(Target::Conversation(conversation), "prepares the statement", None))
        .await
        .unwrap();
    for (target, client_id) in [(Target::User(ravi.id), "u"), (Target::Conversation(conversation), "c")] {
        let (statements, waits) = (tap.statements.load(Ordering::SeqCst), tap.waits.load(Ordering::SeqCst));
        for i in 0..10 {
            let client_id = format!("{client_id}{i}");
            send(&world, &asha, draft(target, "hello", Some(&client_id))).await.unwrap();
        }
        assert_eq!(tap.statements.load(Ordering::SeqCst) - statements, 10);
        // Beside the statement the pool looks at the connection when it comes back, which nobody waits for; the
        // one of the send before may fall into this count.
        let waits = tap.waits.load(Ordering::SeqCst) - waits;
        assert!(waits <= 2 * 10 + 1, "{waits} waits for 10 sends");
    }
}
