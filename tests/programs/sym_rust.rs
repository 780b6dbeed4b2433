// SPDX-License-Identifier: MIT
//
// sym_rust.rs - Rust code whose symbols are hard: generic functions in
// namespaces and in types, closures inlined into iterators, traits. What it
// computes means nothing. Read next: tests/cli/symbols.t.
use std::collections::HashMap;

mod outer {
    pub struct Pair<T> {
        pub items: Vec<T>,
    }

    impl<T: Clone + Ord> Pair<T> {
        #[inline(never)]
        pub fn twice(&self) -> Vec<T> {
            let mut all: Vec<T> = self.items.iter().chain(self.items.iter()).cloned().collect();
            all.sort_by(|a, b| b.cmp(a));
            all
        }
    }

    pub trait Shape {
        fn area(&self) -> f64;
    }

    pub struct Square(pub f64);

    impl Shape for Square {
        #[inline(never)]
        fn area(&self) -> f64 {
            self.0 * self.0
        }
    }
}

use outer::Shape;

fn main() {
    let mut lengths: HashMap<String, usize> = HashMap::new();
    for word in std::env::args().chain(["two".to_string(), "seven".to_string()]) {
        *lengths.entry(word.clone()).or_insert(0) += word.len();
    }
    let mut sorted: Vec<_> = lengths.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let pair = outer::Pair { items: vec![2, 3, 5] };
    println!("{:?} {:?} {}", sorted.len(), pair.twice(), outer::Square(3.0).area());
}
