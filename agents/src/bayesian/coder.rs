//! Designs as the models see them: numbers in [0, 1], ordered levels on an even grid, categories as labels.

use hwgym_envs::{Design, DesignSpace, Domain, Scale};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Column {
    Real,
    /// Ordered levels.
    Ordered(usize),
    /// Labels, compared by equality.
    Category(usize),
}

/// The way between designs and points of the models.
#[derive(Clone, Debug)]
pub(super) struct Coder {
    pub columns: Vec<Column>,
}

impl Coder {
    pub fn new(space: &DesignSpace) -> Self {
        let columns = space
            .parameters()
            .iter()
            .map(|p| match (&p.domain, p.domain.cardinality()) {
                (Domain::Categorical(_) | Domain::Boolean, Some(levels)) => Column::Category(levels),
                (_, Some(levels)) => Column::Ordered(levels),
                (_, None) => Column::Real,
            })
            .collect();
        Self { columns }
    }

    pub fn categorical(&self) -> Vec<bool> {
        self.columns.iter().map(|c| matches!(c, Column::Category(_))).collect()
    }

    /// The place of an ordered level in [0, 1].
    pub fn place(&self, space: &DesignSpace, column: usize, level: f64) -> f64 {
        match (self.columns[column], &space.parameters()[column].domain) {
            (Column::Category(_), _) => level,
            (_, domain @ Domain::Integer { scale: Scale::Log, .. }) => domain.to_unit(level),
            (Column::Ordered(1), _) => 0.5,
            (Column::Ordered(levels), _) => level / (levels - 1) as f64,
            (Column::Real, domain) => domain.to_unit(level),
        }
    }

    /// The coordinate of a place: the nearest level, or the number there.
    pub fn coordinate(&self, space: &DesignSpace, column: usize, place: f64) -> f64 {
        match (self.columns[column], &space.parameters()[column].domain) {
            (Column::Category(_), _) => place,
            (_, domain @ Domain::Integer { scale: Scale::Log, .. }) => domain.from_unit(place),
            (Column::Ordered(levels), _) => (place.clamp(0.0, 1.0) * (levels - 1) as f64).round(),
            (Column::Real, domain) => domain.from_unit(place),
        }
    }

    pub fn encode(&self, space: &DesignSpace, design: &Design) -> Vec<f64> {
        (0..self.columns.len()).map(|j| self.place(space, j, design.coordinate(j))).collect()
    }

    pub fn decode(&self, space: &DesignSpace, point: &[f64]) -> Design {
        let coordinates: Vec<f64> =
            point.iter().enumerate().map(|(j, u)| self.coordinate(space, j, *u)).collect();
        let mut design = Design::new(coordinates);
        space.canonicalise(&mut design);
        design
    }
}
