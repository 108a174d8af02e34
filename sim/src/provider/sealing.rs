//! A provider that keeps nothing: material goes sealed into the record and comes back with each use.

use super::{Backend, JobFault, Made, MadeKey, Part, crypto, run_keyless};
use crate::capabilities;
use crate::trace::digest;
use parsecd_core::capability::Capabilities;
use parsecd_core::ids::ObjectId;
use parsecd_core::job::{Job, KeyInUse};
use parsecd_core::outcome::{Effect, Outcome};
use parsecd_core::record::{Device, SealedMaterial};
use parsecd_wire::{KeyAttributes, Status};

/// Length of the fake tag in front of sealed material.
const TAG: usize = 8;

/// The provider.
#[derive(Clone, Debug, Default)]
pub struct Sealing {
    /// Number of keys it made; no two get the same secret.
    generated: u64,
    /// Another store key is configured.
    pub(crate) swapped: bool,
}

impl Sealing {
    fn device(&self) -> Device {
        Device(if self.swapped { b"store key two".to_vec() } else { b"store key one".to_vec() })
    }

    fn make(
        &mut self,
        object: ObjectId,
        binding: &[u8],
        key: (KeyAttributes, Vec<u8>),
        made: &mut Made,
    ) -> Outcome {
        let (attributes, secret) = key;
        let public = crypto::public(&attributes, &secret);
        let mut material = self.tag(object, binding, &attributes, &public).to_vec();
        material.extend(masked(&secret));
        made.insert(
            object,
            MadeKey { attributes, public: public.clone(), secret, binding: binding.to_vec() },
        );
        Outcome::Done(Effect::Made { attributes, public, material: SealedMaterial(material) })
    }

    fn tag(&self, object: ObjectId, binding: &[u8], attributes: &KeyAttributes, public: &[u8]) -> [u8; TAG] {
        digest(&(self.device(), object, binding, attributes, public)).to_le_bytes()
    }

    fn unseal(&self, key: &KeyInUse) -> Option<Vec<u8>> {
        let (tag, secret) = key.material.0.split_at_checked(TAG)?;
        let fits = tag == self.tag(key.object, &key.binding.0, &key.attributes, &key.public);
        fits.then(|| masked(secret).collect())
    }
}

/// A secret so that nobody sees it who does not know how, and back.
fn masked(secret: &[u8]) -> impl Iterator<Item = u8> {
    secret.iter().map(|byte| byte ^ 0x5A)
}

impl Backend for Sealing {
    fn capabilities(&self) -> Capabilities {
        capabilities::sealing()
    }

    fn run(&mut self, job: &Job, part: Part, made: &mut Made) -> Outcome {
        if part == Part::Half {
            return Outcome::Unknown;
        }
        match job {
            Job::Generate { object, binding, attributes } => {
                self.generated += 1;
                let secret = crypto::generate(attributes, digest(&("sealing", self.generated)));
                self.make(*object, &binding.0, (*attributes, secret), made)
            }
            Job::Import { object, attributes, binding, data } => {
                if !crypto::importable(attributes, data.expose()) {
                    return Outcome::Refused(Status::PsaErrorInvalidArgument);
                }
                let attributes = crypto::sized(attributes, data.expose());
                self.make(*object, &binding.0, (attributes, data.expose().to_vec()), made)
            }
            Job::Use { key, operation } => match self.unseal(key) {
                Some(secret) => crypto::operate(&key.attributes, &key.public, &secret, operation),
                None => {
                    made.complain(format!("material of {} does not belong to what it came with", key.object));
                    Outcome::Refused(Status::PsaErrorDataCorrupt)
                }
            },
            Job::Remove { object } => {
                made.complain(format!("{object} is to be removed where nothing is kept"));
                Outcome::Refused(Status::PsaErrorNotSupported)
            }
            other => run_keyless(other, made),
        }
    }

    fn run_logged_out(&mut self, job: &Job, made: &mut Made) -> Outcome {
        self.run(job, Part::Whole, made)
    }

    fn open(&mut self, fault: JobFault) -> Outcome {
        self.swapped = fault == JobFault::OtherDevice;
        Outcome::Done(Effect::Opened { device: self.device(), capabilities: self.capabilities() })
    }

    fn objects(&self) -> Vec<ObjectId> {
        Vec::new()
    }
}
