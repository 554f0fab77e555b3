//! Several publishers of one version, at the same moment.

use std::sync::Barrier;

use namespace_world::Stage;
use namespace_world::figures::Numbers;
use namespace_world::registry::Answer;

const ROUNDS: u32 = 20;
const PUBLISHERS: u32 = 8;

/// Exactly one wins, and its bytes are those that are served; the others hear why.
pub(super) fn publishers() -> Numbers {
    let stage = Stage::set("", &[]);
    let (mut won, mut lost) = (0, 0);
    for round in 0..ROUNDS {
        let version = format!("1.0.{round}");
        let start = Barrier::new(PUBLISHERS as usize);
        let publish = |who: u32| -> Answer {
            let filling = format!("by publisher {who}");
            start.wait();
            stage.publish(&version, filling.as_bytes()).expect("the registry answers")
        };
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..PUBLISHERS).map(|who| scope.spawn(move || publish(who))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a publisher does not panic")).collect()
        });
        let winners = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(winners, 1, "of {PUBLISHERS} publishers of {version} exactly one wins");
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(answer.status, 409, "{}", answer.text());
            assert!(answer.text().contains("somebody else, or another run, was faster"), "{}", answer.text());
            lost += 1;
        }
        won += 1;
    }
    assert_eq!(stage.agrees().len(), ROUNDS as usize);
    let mut numbers = Numbers::default();
    numbers.put("two_publishers_versions", f64::from(ROUNDS));
    numbers.put("two_publishers_won", f64::from(won));
    numbers.put("two_publishers_lost", f64::from(lost));
    numbers
}
