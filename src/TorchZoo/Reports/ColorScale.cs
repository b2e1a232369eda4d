using ScottPlot;
using ScottPlot.Colormaps;

namespace TorchZoo.Reports;

/// <summary>Perceptually uniform colour maps: equal steps of the value are equal steps to the eye, in print and with every colour
/// vision.</summary>
public enum ColorScale
{
    /// <summary>Dark blue to yellow: quantities (viridis).</summary>
    Sequential,

    /// <summary>Black to light yellow: quantities from zero up, such as rates (magma).</summary>
    Magnitude,

    /// <summary>Blue over white to red, symmetric around zero: errors and other quantities with a sign (balance).</summary>
    Diverging,
}

internal static class ColorScales
{
    public static IColormap Map(this ColorScale scale) => scale switch
    {
        ColorScale.Magnitude => new Magma(),
        ColorScale.Diverging => new Balance(),
        _ => new Viridis(),
    };
}
