use simulation::mutants::Mutant;
use simulation::run::{self, Options};
use std::collections::BTreeMap;
fn main() {
    let a: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (first, many) = (a[0], a[1]);
    let only = a.get(2).copied();
    let mut all: Vec<Option<Mutant>> = Mutant::ALL.into_iter().map(Some).collect();
    all.push(None);
    for (n, mutant) in all.into_iter().enumerate() {
        if only.is_some_and(|o| o != n as u64 + 1) { continue; }
        let t = std::time::Instant::now();
        let mut caught = Vec::new();
        let mut by: BTreeMap<&str, usize> = BTreeMap::new();
        let mut ex: BTreeMap<String, usize> = BTreeMap::new();
        for seed in first..first + many {
            let r = run::seed(seed, Options { mutant, record: false });
            if let Some(v) = r.violations.first() { caught.push(seed); *by.entry(v.invariant).or_default() += 1;
              let w: String = v.what.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
              *ex.entry(format!("{} {w}", v.invariant)).or_default() += 1; }
        }
        println!("{:2} {mutant:?}: {} of {many} {by:?} {:?} {:?}", n + 1, caught.len(), &caught[..caught.len().min(12)], t.elapsed());
        let mut e: Vec<_> = ex.into_iter().collect(); e.sort_by_key(|(_, c)| std::cmp::Reverse(*c));
        for (w, c) in e.into_iter().take(6) { println!("      {c} {w}"); }
    }
}
