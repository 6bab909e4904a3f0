//! What the judge says of whole trials, and what it costs: each module holds one subject.
//! Engines and signals alone are tested where they are.

mod aftermath;
mod alone;
mod batches;
mod checks;
mod completes;
mod cost;
mod cpu;
mod data_rules;
mod duplicates;
mod effects;
mod excuse;
mod fuzz;
mod guards;
mod hand_over;
mod healthy;
mod order;
mod outages;
mod power;
mod primary_memory;
mod record;
mod renamed;
mod robust;
mod saved;
mod saved_sizes;
mod scrapes;
mod shared_harm;
mod signals;
mod summary;
mod timing;
mod user_ratios;
mod user_saved;
mod user_thresholds;
mod warm_up;
mod words;
