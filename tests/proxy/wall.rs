//! The wall: however many call at once and whatever it turns out to cost, what the server sold is within the grant.

use std::thread;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use swarm::agents::Rate;
use swarm::proxy::{Limits, Proxy, read_calls};

use crate::model::{Call, ModelServer, Reply, Usage};
use crate::stage::{PLENTY, RATE, Stage, call, config, max_tokens, sold_picos};

/// A number that looks random and is the same for the same call of the same seed.
fn mixed(seed: u64, call: &Call, salt: u64) -> u64 {
    let mut state = seed ^ (call.number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.rotate_left(40);
    for _ in 0..3 {
        state = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    state ^ (state >> 29)
}

/// A provider that bills as honest ones do: at most a token for three bytes, in three shares, and at most the maximum
/// that was asked for. Some answers are cut, some refused.
fn bills(seed: u64, call: &Call) -> Reply {
    let random = |salt, most: u64| mixed(seed, call, salt) % (most + 1);
    let sent = random(1, call.body.len() as u64 / 3);
    let (cache_read, rest) = (random(2, sent), sent);
    let cache_write = random(3, rest - cache_read);
    let input = sent - cache_read - cache_write;
    let usage = Usage { input, cache_read, cache_write, output: random(4, max_tokens(call)), reasoning: 0 };
    let reply = Reply::says("Done.").using(usage);
    match random(5, 9) {
        0 => reply.cut(),
        1 => Reply::refuses([429, 500, 529][usize::try_from(random(6, 2)).unwrap()]),
        _ => reply,
    }
}

/// Clients that call again and again until they are told that the money is spent.
fn spend(url: &str, clients: u64, seed: u64, bytes_max: usize, answer_max: u64) {
    thread::scope(|scope| {
        for client in 0..clients {
            scope.spawn(move || {
                for round in 0_u64.. {
                    let random = seed.wrapping_mul(31).wrapping_add(client * 7_919 + round * 104_729);
                    let prompt = "word ".repeat(usize::try_from(random % 997).unwrap() % (bytes_max / 5 + 1));
                    if call(url, 1 + random % answer_max, &prompt).status == 402 {
                        break;
                    }
                }
            });
        }
    });
}

#[test]
fn eight_clients_at_once_spend_what_is_granted_and_no_more() {
    let stage = Stage::new("edit", 50_000);
    assert_eq!(stage.call().status, 200, "from here on it is known what a call has");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| while stage.call().status == 200 {});
        }
    });
    let totals = stage.settled();
    assert_eq!((totals.spent_micros, totals.refused), (stage.sold_micros(), 8));
    assert!(stage.sold_micros() <= 50_000 && totals.calls >= 15, "{totals:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn what_was_sold_is_within_the_grant(
        seed in any::<u64>(),
        granted in 0_u64..60_000,
        clients in 1_u64..9,
        bytes_max in 5_usize..8_000,
        answer_max in 1_u64..1_000,
        input in 100_000_u64..20_000_000,
        written in 0_u64..3,
        output in 100_000_u64..80_000_000,
    ) {
        let rate = Rate { input, cache_read: input / 10, cache_write: input + input * written / 4, output };
        let (model, dir) = (ModelServer::start(), tempfile::tempdir().unwrap());
        model.script("honest", move |call| bills(seed, call));
        let grant = std::sync::Arc::new(swarm::proxy::Grant::new(granted));
        let proxy = Proxy::start(config(&model.url("honest"), dir.path(), grant, rate)).unwrap();
        spend(&proxy.url(), clients, seed, bytes_max, answer_max);
        let (totals, sold) = (proxy.totals(), sold_picos(&model, rate));
        prop_assert!(sold <= u128::from(granted) * 1_000_000, "{} of {}", sold, granted);
        prop_assert!(u128::from(totals.most_micros()) * 1_000_000 >= sold, "{:?} and {}", totals, sold);
        prop_assert!(totals.spent_micros <= granted, "{:?}", totals);
        prop_assert_eq!(read_calls(dir.path()).unwrap(), totals);
    }
}

#[test]
fn calls_and_tokens_are_walls_as_well() {
    let calls = Limits { calls: Some(3), ..Limits::default() };
    let stage = Stage::with("edit", PLENTY, |config| config.limits = calls);
    let statuses = [(); 5].map(|()| stage.call().status);
    assert_eq!((statuses, stage.model.calls().len()), ([200, 200, 200, 402, 402], 3));
    let tokens = Limits { tokens: Some(20_000), ..Limits::default() };
    let stage = Stage::with("edit", PLENTY, |config| config.limits = tokens);
    while stage.call().status == 200 {}
    let sold = stage.sold_tokens()["m"];
    assert!(sold.sent() + sold.output <= 20_000 && sold.sent() > 0, "{sold:?}");
}

#[test]
fn what_an_earlier_proxy_left_in_the_folder_is_spent() {
    let (model, dir) = (ModelServer::start(), tempfile::tempdir().unwrap());
    let start = || {
        let grant = std::sync::Arc::new(swarm::proxy::Grant::new(20_000));
        Proxy::start(config(&model.url("edit"), dir.path(), grant, RATE)).unwrap()
    };
    let first = start();
    while call(&first.url(), 100, "Go on.").status == 200 {}
    let spent = first.totals();
    drop(first);
    let second = start();
    assert_eq!(second.totals(), spent);
    assert_eq!(call(&second.url(), 5_000, "Go on.").status, 402);
}
