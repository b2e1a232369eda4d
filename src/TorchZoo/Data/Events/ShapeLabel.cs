namespace TorchZoo.Data.Events;

/// <summary>What the class of a moving shape is.</summary>
public enum ShapeLabel
{
    /// <summary>Where it goes.</summary>
    Direction,

    /// <summary>Which shape it is.</summary>
    Shape,

    /// <summary>Both: the shape's number times the number of directions, and the direction's.</summary>
    ShapeAndDirection,
}
