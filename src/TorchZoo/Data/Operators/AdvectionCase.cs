namespace TorchZoo.Data.Operators;

/// <summary>What the input function V sets in s_t + a(x) s_x = 0 on the unit interval.</summary>
public enum AdvectionCase
{
    /// <summary>Case I: the initial state V(sin² πx), periodic; a = 1.</summary>
    PeriodicState,

    /// <summary>Case II: the initial state x V(x), with s(0, t) = 0; a = 1.</summary>
    InflowState,

    /// <summary>Case III: the velocity a = 1 + V(x)/10, with s(x, 0) = x² and s(0, t) = sin πt.</summary>
    InflowVelocity,

    /// <summary>Case IV: the velocity a = 1 + (V(x) + V(1 − x))/20, with s(x, 0) = sin 2πx, periodic.</summary>
    PeriodicVelocity,
}
