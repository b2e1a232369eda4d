using ScottPlot;

namespace TorchZoo.Reports;

/// <summary>The colours of a <see cref="LinePlot"/>.</summary>
internal abstract class PlotColors
{
    /// <summary>On white.</summary>
    public static PlotColors Paper { get; } = new OnPaper();

    /// <summary>Axes and letters.</summary>
    public abstract Color Ink { get; }

    /// <summary>Grid lines.</summary>
    public abstract Color Grid { get; }

    /// <summary>What is behind everything.</summary>
    public abstract Color Background { get; }

    /// <summary>Whether dashed lines are drawn dash by dash.</summary>
    public virtual bool DrawsDashes => true;

    /// <summary>The colour of a line.</summary>
    /// <param name="series">The line.</param>
    /// <param name="place">Its place among the lines.</param>
    public abstract Color Line(Series series, int place);

    private sealed class OnPaper : PlotColors
    {
        // Okabe and Ito's palette, told apart with every kind of colour vision; its yellow is too light for lines on white.
        private static readonly Color[] Palette =
            [.. new[] { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000" }.Select(Color.FromHex)];

        public override Color Ink { get; } = Color.FromHex("#333333");

        public override Color Grid { get; } = Color.FromHex("#E6E6E6");

        public override Color Background => Colors.White;

        public override Color Line(Series series, int place) => Palette[(series.Color ?? place) % Palette.Length];
    }
}
