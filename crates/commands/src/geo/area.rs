//! Distances on the earth, and the cells that cover an area.

use super::cell::{Borders, Cell, Place, STEPS_MAX};

const EARTH_RADIUS_METERS: f64 = 6372797.560856;

/// Half the length of the equator, as the square map has it.
const MAP_METERS: f64 = 20037726.37;

/// The area around a place, in meters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
}

/// The length of the way between two places.
pub fn distance(a: Place, b: Place) -> f64 {
    let (a_latitude, b_latitude) = (radians(a.latitude), radians(b.latitude));
    let u = ((b_latitude - a_latitude) / 2.0).sin();
    let v = ((radians(b.longitude) - radians(a.longitude)) / 2.0).sin();
    if v == 0.0 {
        return EARTH_RADIUS_METERS * (b_latitude - a_latitude).abs();
    }
    let haversine = u * u + a_latitude.cos() * b_latitude.cos() * v * v;
    2.0 * EARTH_RADIUS_METERS * haversine.sqrt().asin()
}

fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}

impl Shape {
    /// How far a place is from the middle, if it is within the shape.
    pub fn distance_within(self, middle: Place, place: Place) -> Option<f64> {
        match self {
            Shape::Circle { radius } => {
                let distance = distance(middle, place);
                (distance <= radius).then_some(distance)
            }
            Shape::Box { width, height } => {
                let below = Place {
                    longitude: place.longitude,
                    latitude: middle.latitude,
                };
                if distance(below, place) > height / 2.0 {
                    return None;
                }
                let beside = Place {
                    longitude: middle.longitude,
                    latitude: place.latitude,
                };
                if distance(place, beside) > width / 2.0 {
                    return None;
                }
                Some(distance(middle, place))
            }
        }
    }

    /// The radius of the circle around the shape.
    fn radius(self) -> f64 {
        match self {
            Shape::Circle { radius } => radius,
            Shape::Box { width, height } => {
                (width / 2.0 * (width / 2.0) + height / 2.0 * (height / 2.0)).sqrt()
            }
        }
    }

    /// The cells that cover the shape around a place, the one in the middle first. Some may be
    /// needless, and the same one may come again: then its members are found again, too.
    pub fn cells(self, middle: Place) -> Vec<Cell> {
        let box_around = self.box_around(middle);
        let mut steps = steps(self.radius(), middle.latitude);
        if steps > 1 && outgrows_neighbours(box_around, Cell::of(middle, steps)) {
            steps -= 1;
        }
        let cell = Cell::of(middle, steps);
        // North, south, east, west, then the corners.
        let directions = [
            (0, 1),
            (0, -1),
            (1, 0),
            (-1, 0),
            (1, 1),
            (-1, 1),
            (1, -1),
            (-1, -1),
        ];
        let reach = Reach::of(box_around, cell);
        let mut cells = vec![cell];
        for (columns, rows) in directions {
            let needed = steps < 2 || reach.covers(columns, rows);
            let neighbour = cell.moved(columns, rows);
            if needed && cells.last() != Some(&neighbour) {
                cells.push(neighbour);
            }
        }
        cells
    }

    /// Borders that the shape around a place lies within.
    fn box_around(self, middle: Place) -> Borders {
        let (half_width, half_height) = match self {
            Shape::Circle { radius } => (radius, radius),
            Shape::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let height = degrees(half_height / EARTH_RADIUS_METERS);
        // Degrees of longitude are shortest at the side that is nearer to a pole.
        let at_edge = match middle.latitude < 0.0 {
            true => middle.latitude - height,
            false => middle.latitude + height,
        };
        let width = degrees(half_width / EARTH_RADIUS_METERS / radians(at_edge).cos());
        Borders {
            west: middle.longitude - width,
            east: middle.longitude + width,
            south: middle.latitude - height,
            north: middle.latitude + height,
        }
    }
}

/// Whether an area reaches beyond the cells right beside the one in its middle.
fn outgrows_neighbours(area: Borders, cell: Cell) -> bool {
    cell.moved(0, 1).borders().north < area.north
        || cell.moved(0, -1).borders().south > area.south
        || cell.moved(1, 0).borders().east < area.east
        || cell.moved(-1, 0).borders().west > area.west
}

/// Which borders of the cell in its middle an area reaches.
struct Reach {
    west: bool,
    east: bool,
    south: bool,
    north: bool,
}

impl Reach {
    fn of(area: Borders, cell: Cell) -> Reach {
        let borders = cell.borders();
        Reach {
            west: borders.west >= area.west,
            east: borders.east <= area.east,
            south: borders.south >= area.south,
            north: borders.north <= area.north,
        }
    }

    /// Whether the shape reaches into the neighbour in this direction.
    fn covers(&self, columns: i32, rows: i32) -> bool {
        let along = |direction: i32, before, behind| match direction {
            0 => true,
            1.. => behind,
            _ => before,
        };
        along(columns, self.west, self.east) && along(rows, self.south, self.north)
    }
}

/// How fine cells may be so that nine of them cover a circle of this radius.
fn steps(radius: f64, latitude: f64) -> u32 {
    if radius == 0.0 {
        return STEPS_MAX;
    }
    let (mut radius, mut steps) = (radius, 1_i32);
    while radius < MAP_METERS {
        radius *= 2.0;
        steps += 1;
    }
    // The map stretches what is near the poles.
    steps -= match latitude.abs() {
        80.0.. => 4,
        66.0.. => 3,
        _ => 2,
    };
    steps.clamp(1, STEPS_MAX as i32) as u32
}
