//! The kinds of values, and the table of those that are collections.

use std::ptr::NonNull;

use datatypes::{Collection, Compact};

/// A collection that a key can hold.
pub trait Value: Collection + Compact + Clone {
    const KIND: Kind;
}

/// `Name(type) = number, "name";` for every kind of collection.
macro_rules! collections {
    ($($name:ident($value:ty) = $number:literal, $text:literal;)*) => {
        /// What a key holds, as `TYPE` names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind {
            String = 0,
            $($name = $number,)*
        }

        impl Kind {
            pub fn name(self) -> &'static str {
                match self {
                    Kind::String => "string",
                    $(Kind::$name => $text,)*
                }
            }

            pub(crate) fn of_number(number: u32) -> Kind {
                match number {
                    0 => Kind::String,
                    $($number => Kind::$name,)*
                    _ => unreachable!("no kind has the number {number}"),
                }
            }
        }

        $(impl Value for $value {
            const KIND: Kind = Kind::$name;
        })*

        /// A collection whose kind is known at run time only.
        pub(crate) enum Any {
            $($name($value),)*
        }

        impl Any {
            /// # Safety
            /// The collection is of this kind, and `into_raw` gave the rest; ownership passes to
            /// the result.
            pub unsafe fn from_raw(kind: Kind, is_large: bool, raw: NonNull<u8>) -> Any {
                match kind {
                    Kind::String => unreachable!("a string is no collection"),
                    $(Kind::$name => {
                        // SAFETY: the caller's promise.
                        Any::$name(unsafe { datatypes::Compact::from_raw(is_large, raw) })
                    })*
                }
            }

            pub fn into_raw(self) -> (bool, NonNull<u8>) {
                match self {
                    $(Any::$name(value) => datatypes::Compact::into_raw(value),)*
                }
            }

            pub fn as_collection(&mut self) -> &mut dyn Collection {
                match self {
                    $(Any::$name(value) => value,)*
                }
            }

            /// An empty collection of a kind.
            pub fn empty(kind: Kind) -> Any {
                match kind {
                    Kind::String => unreachable!("a string is no collection"),
                    $(Kind::$name => Any::$name(<$value>::default()),)*
                }
            }

            pub fn duplicate(&self) -> Any {
                match self {
                    $(Any::$name(value) => Any::$name(value.clone()),)*
                }
            }
        }
    };
}

collections! {
    List(datatypes::List) = 1, "list";
    Set(datatypes::Set) = 2, "set";
    SortedSet(datatypes::SortedSet) = 3, "zset";
    Hash(datatypes::Hash) = 4, "hash";
}
