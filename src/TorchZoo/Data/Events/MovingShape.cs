namespace TorchZoo.Data.Events;

/// <summary>A shape that moves before an event camera.</summary>
public enum MovingShape
{
    /// <summary>A square.</summary>
    Square,

    /// <summary>A disc.</summary>
    Circle,

    /// <summary>A triangle that points up.</summary>
    Triangle,

    /// <summary>A bar, upright.</summary>
    Bar,

    /// <summary>A cross of two bars.</summary>
    Cross,
}
