//! Three processes, broken links, stops and restarts in seeded order: never two leaders at a time.
//! Looks at the gates only, as a writer does.

use siskin_simulation::random::Random;

use super::*;

/// Some 3 000 changes of the links and 80 changes of the leader, in a few seconds.
const SEEDS: u32 = 8;
const STEPS: u32 = 400;
const STEP: Duration = Duration::from_millis(700);

/// Counts how often somebody else came to lead.
#[derive(Default)]
struct Watch {
    epoch: Option<String>,
    changes: u32,
}

impl Watch {
    fn look(&mut self, processes: &[Process], seed: u32) {
        let leading: Vec<_> = processes
            .iter()
            .filter_map(|it| it.gate.check().ok())
            .map(|it| it.epoch().clone())
            .collect();
        assert!(leading.len() <= 1, "seed {seed}: several lead: {leading:?}");
        let epoch = leading.first().map(ToString::to_string);
        if epoch.is_some() && epoch != self.epoch {
            self.changes += 1;
            self.epoch = epoch;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn at_no_time_do_two_lead_and_in_the_end_one_does() {
    let mut changes = 0;
    for seed in 0..SEEDS {
        changes += world(seed).await;
    }
    assert!(changes > SEEDS, "the leader hardly ever changed: {changes}");
}

async fn world(seed: u32) -> u32 {
    let (server, mut watch) = (Server::default(), Watch::default());
    let mut random = Random::spread(seed.into());
    let mut born = 3;
    let mut processes: Vec<_> =
        (0..born).map(|it| Process::start(&server, &it.to_string())).collect();
    for _ in 0..STEPS {
        let one = random.index(3);
        match random.below(12) {
            0 => processes[one].line.set(Link::Cut),
            1 => processes[one].line.set(Link::Deaf),
            2 => processes[one].line.set(Link::Refused(500)),
            3 => processes[one].line.set(Link::Refused(409)),
            4 if processes[one].stop.is_some() && !processes[one].run.is_finished() => {
                processes[one].stop();
            }
            5 => processes[one].run.abort(),
            6..=8 => processes[one].line.set(Link::Up),
            _ => {}
        }
        tokio::time::sleep(STEP).await;
        watch.look(&processes, seed);
        if processes[one].run.is_finished() && !processes[one].leads() {
            processes[one] = Process::start(&server, &born.to_string());
            born += 1;
        }
    }
    for process in &processes {
        process.line.set(Link::Up);
    }
    after(40.0).await;
    for (index, process) in processes.iter_mut().enumerate() {
        if process.run.is_finished() {
            *process = Process::start(&server, &format!("last-{index}"));
        }
    }
    after(40.0).await;
    watch.look(&processes, seed);
    assert!(processes.iter().any(Process::leads), "seed {seed}: nobody leads");
    watch.changes
}
