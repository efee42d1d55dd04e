//! Rejections in words: a sentence that says what is wrong and one that says what to do.

use crate::rejection::{FieldProblem, Rejection};

pub fn explain(rejection: &Rejection) -> (String, &'static str) {
    use Rejection as R;
    match rejection {
        R::Field { field, problem, .. } => self::field(field, *problem),
        R::NotFound { subject } => (format!("{subject} does not exist."), "Check what it was chosen from."),
        R::Archived { subject } => (format!("{subject} is archived."), "Restore it first, or choose another."),
        R::NotEditable { subject } => (format!("{subject} cannot be edited."), "It is kept by the system."),
        R::KeyTaken { key, .. } => (format!("{key:?} is taken."), "Use another code, or open the one that has it."),
        R::VersionConflict { expected, current, .. } => {
            (format!("Version {expected} was expected and it is {current}."), "Read it again and repeat the edit.")
        }
        R::OnHandConflict { expected, current } => {
            (format!("On hand is {current} and {expected} was expected."), "Read the stock again and repeat.")
        }
        R::AlreadyResolved { .. } => ("This was answered already.".into(), "Nothing is left to do."),
        R::AnswerNotOffered { .. } => ("It cannot be answered like this.".into(), "Choose one of the offered answers."),
        R::DependsOnRejected { root } => {
            (format!("It builds on {root}, which was rejected."), "Settle that one first, then repeat this.")
        }
        R::UnknownAction { kind, version } => (
            format!("{kind} version {version} is newer than this server."),
            "It is kept; an admin upgrades the server.",
        ),
        R::Malformed { reason } => (format!("It cannot be read: {reason}."), "Report it; it is kept whole."),
        R::TreeLoop { subject } => (format!("{subject} would stand under itself."), "Choose another parent."),
        R::OtherSite { .. } => ("A location stays in its site.".into(), "Make a new one in the other site."),
        R::NotEmpty { subject } => (format!("{subject} still holds stock."), "Move or count it to zero first."),
        stock => self::stock(stock),
    }
}

fn stock(rejection: &Rejection) -> (String, &'static str) {
    use Rejection as R;
    match rejection {
        R::QuantityOutOfRange => ("The quantity must be more than zero.".into(), "Type how much."),
        R::QuantityTooPrecise { scale } => (
            format!("This item is kept to {scale} decimal places."),
            "Round the quantity, or give the item more places.",
        ),
        R::LocationNotStorable { .. } => ("Stock cannot be kept there.".into(), "Choose a location of a site."),
        R::SameCell => ("It is there already.".into(), "Choose another location or status."),
        R::NotEnoughStock { on_hand, .. } => (
            format!("There is only {on_hand} there, and this location may not go below zero."),
            "Take less, or count the location.",
        ),
        R::LotRequired { .. } => ("This item is kept by lot.".into(), "Give the lot."),
        R::LotNotKept { .. } => ("This item is not kept by lot or serial.".into(), "Leave the lot out."),
        R::SerialRequired { .. } => ("This item is kept by serial number.".into(), "Give the serial number."),
        R::SerialIsOne { .. } => ("A serial number is one unit.".into(), "Enter them one by one."),
        R::ReasonRequired => ("An adjustment has a reason.".into(), "Choose one."),
        R::ReasonDirection => ("This reason is for the other direction.".into(), "Choose another reason."),
        R::NoteRequired => ("This reason wants a note.".into(), "Say in a few words what happened."),
        R::MovementNotFound { movement } => (format!("{movement} does not exist."), "Choose it from the history."),
        R::AlreadyReversed { .. } => ("It was reversed already.".into(), "Nothing is left to do."),
        R::NotReversible { .. } => ("A count or a reversal is not reversed.".into(), "Count again, or book it anew."),
        _ => ("The amount is out of range.".into(), "Check the quantity."),
    }
}

fn field(field: &str, problem: FieldProblem) -> (String, &'static str) {
    match problem {
        FieldProblem::Missing => (format!("{field} is missing."), "Fill it in."),
        FieldProblem::TooLong { max } => (format!("{field} is longer than {max} characters."), "Shorten it."),
        FieldProblem::ControlCharacter => (format!("{field} holds a control character."), "Type it anew."),
        FieldProblem::WrongType => (format!("{field} is not of the right type."), "See the list of fields."),
        FieldProblem::NotAChoice => (format!("{field} is none of its choices."), "See the list of choices."),
        FieldProblem::NotAQuantity => (format!("{field} is not a decimal number."), "Write it like 12.5."),
        FieldProblem::NotADate => (format!("{field} is not a date."), "Write it like 2027-04-30."),
        FieldProblem::NotAnId => (format!("{field} does not name a record of the right kind."), "Check the id."),
        FieldProblem::OutOfRange => (format!("{field} is out of range."), "Check the value."),
        FieldProblem::Fixed => (format!("{field} cannot be changed."), "Make a new record instead."),
    }
}
