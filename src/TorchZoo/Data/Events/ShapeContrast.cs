namespace TorchZoo.Data.Events;

/// <summary>How a shape stands out.</summary>
public enum ShapeContrast
{
    /// <summary>Brighter than what is behind it: the edge that goes ahead makes ON events, the other one OFF events, so that the events of
    /// a moment show where it goes.</summary>
    Bright,

    /// <summary>Brighter or darker, by chance: the events of a moment are the same for a bright shape and for a dark one that goes the
    /// other way, and only their order in time tells.</summary>
    Either,
}
