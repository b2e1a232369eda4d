using ScottPlot;
using ScottPlot.AxisPanels;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace TorchZoo.Reports;

/// <summary>Lines over a common axis: loss over steps, errors over resolutions, functions before and after.</summary>
/// <example><code>
/// new LinePlot { Title = "Error by resolution", XLabel = "grid points", LogX = true, XTicks = [128, 256], Series = […] }.Save("error.png");
/// </code></example>
public sealed record LinePlot
{
    private const float LabelPadding = 7;

    /// <summary>What the plot shows.</summary>
    public string Title { get; init; } = "";

    /// <summary>The horizontal axis' quantity.</summary>
    public string XLabel { get; init; } = "";

    /// <summary>The vertical axis' quantity.</summary>
    public string YLabel { get; init; } = "";

    /// <summary>Whether the horizontal axis is logarithmic; values that aren't positive are left out.</summary>
    public bool LogX { get; init; }

    /// <summary>Whether the vertical axis is logarithmic; values that aren't positive are left out.</summary>
    public bool LogY { get; init; }

    /// <summary>Where the horizontal axis has ticks, e.g. the resolutions; null: at round numbers.</summary>
    public IReadOnlyList<double>? XTicks { get; init; }

    /// <summary>The vertical axis' range; null: what the data need.</summary>
    public (double Low, double High)? YRange { get; init; }

    /// <summary>The lines.</summary>
    public required IReadOnlyList<Series> Series { get; init; }

    /// <summary>Draws one plot and writes it as a PNG file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Width in points; the picture has two pixels a point.</param>
    /// <param name="height">Height in points.</param>
    /// <exception cref="ArgumentException">A series has not as many ordinates as abscissae, or a size isn't positive.</exception>
    public void Save(string path, int width = 720, int height = 440) => SaveGrid(path, [this], 1, width, height);

    /// <summary>Draws plots side by side, row by row, and writes them as one PNG file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="plots">The plots.</param>
    /// <param name="columns">Plots a row.</param>
    /// <param name="width">Width of one plot in points.</param>
    /// <param name="height">Height of one plot in points.</param>
    /// <exception cref="ArgumentException">There is no plot, a series has not as many ordinates as abscissae, or a size isn't
    /// positive.</exception>
    public static void SaveGrid(string path, IReadOnlyList<LinePlot> plots, int columns, int width = 480, int height = 340)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (plots.Count == 0) throw new ArgumentException("At least one plot was expected.", nameof(plots));
        foreach (var series in plots.SelectMany(p => p.Series))
            if (series.X.Length != series.Y.Length)
                throw new ArgumentException($"'{series.Name}' has {series.X.Length} abscissae and {series.Y.Length} ordinates.",
                    nameof(plots));

        columns = Math.Min(columns, plots.Count);
        var rows = (plots.Count + columns - 1) / columns;
        Picture.Save(path, columns * width, rows * height, canvas =>
        {
            foreach (var (i, plot) in plots.Index())
            {
                canvas.Save();
                canvas.Translate(i % columns * width, i / columns * height);
                // ScottPlot clears all of the canvas that it can reach.
                canvas.ClipRect(SKRect.Create(width, height));
                using var drawing = plot.Build(PlotColors.Paper, withLegend: true);
                drawing.Render(canvas, width, height);
                canvas.Restore();
            }
        });
    }

    /// <summary>The plot as ScottPlot's.</summary>
    internal Plot Build(PlotColors colors, bool withLegend)
    {
        Lettering.Register();
        var plot = new Plot();
        plot.Font.Set(Lettering.Family);
        plot.FigureBackground.Color = plot.DataBackground.Color = colors.Background;
        foreach (var (i, series) in Series.Index()) Add(plot, series, colors.Line(series, i), colors.DrawsDashes);
        Style(plot, colors);
        if (withLegend) SetLegend(plot, colors);
        else plot.HideLegend();
        plot.Axes.Margins(horizontal: XTicks is null ? 0.02 : 0.06, vertical: 0.08);
        plot.Axes.AutoScale();
        if (YRange is { } range) plot.Axes.SetLimitsY(Y(range.Low), Y(range.High));
        SetTicks(plot);
        return plot;
    }

    private void Add(Plot plot, Series series, Color color, bool drawsDashes)
    {
        // ScottPlot has no gaps: a line for each run of finite values. The first carries the name.
        var runs = Runs([.. series.X.Select(X)], [.. series.Y.Select(Y)]).ToList();
        foreach (var (i, (x, y)) in runs.Index())
        {
            var line = plot.Add.Scatter(x, y, color);
            line.LineWidth = 2;
            line.LinePattern = series.Dashed && drawsDashes ? LinePattern.DenselyDashed : LinePattern.Solid;
            line.MarkerSize = series.Markers || x.Length == 1 ? 7 : 0;
            line.LegendText = i == 0 ? series.Name : "";
        }
    }

    private static IEnumerable<(double[] X, double[] Y)> Runs(double[] x, double[] y)
    {
        for (var i = 0; i < x.Length; i++)
        {
            var start = i;
            while (i < x.Length && double.IsFinite(x[i]) && double.IsFinite(y[i])) i++;
            if (i > start) yield return (x[start..i], y[start..i]);
        }
    }

    private void Style(Plot plot, PlotColors colors)
    {
        plot.Axes.Color(colors.Ink);
        plot.Axes.Right.FrameLineStyle.Width = plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Grid.MajorLineColor = colors.Grid;
        plot.Axes.Title.Label.Text = Title;
        plot.Axes.Title.Label.FontSize = 15;
        plot.Axes.Title.Label.Font = Lettering.Bold;
        foreach (var (axis, label) in new (IAxis, string)[] { (plot.Axes.Bottom, XLabel), (plot.Axes.Left, YLabel) })
        {
            axis.Label.Text = label;
            axis.Label.FontSize = 13;
            axis.Label.Bold = false;
            axis.TickLabelStyle.FontSize = 12;
            ((AxisBase)axis).PaddingBetweenTickAndAxisLabels = new PixelPadding(axis.Edge == Edge.Left ? LabelPadding : LabelPadding / 2);
            ((AxisBase)axis).PaddingOutsideAxisLabels = new PixelPadding(axis.Edge == Edge.Left ? LabelPadding : LabelPadding / 2);
        }
    }

    private void SetLegend(Plot plot, PlotColors colors)
    {
        if (Series.Count(s => s.Name.Length > 0) is 0 or 1 && Series.Count < 2)
        {
            plot.HideLegend();
            return;
        }
        // Below the plot: there is no corner that lines never reach.
        plot.ShowLegend(Edge.Bottom).Padding = new PixelPadding(0, 0, LabelPadding, LabelPadding);
        var legend = plot.Legend;
        legend.Orientation = Orientation.Horizontal;
        legend.TightHorizontalWrapping = true;
        legend.Margin = legend.Padding = new PixelPadding(0);
        legend.FontName = Lettering.Family;
        legend.FontSize = 12;
        legend.FontColor = colors.Ink;
        legend.OutlineWidth = 0;
        legend.ShadowColor = Colors.Transparent;
        legend.BackgroundColor = colors.Background;
    }

    private void SetTicks(Plot plot)
    {
        var limits = plot.Axes.GetLimits();
        plot.Axes.Bottom.TickGenerator = XTicks is not null
            ? new NumericManual([.. XTicks.Select(X)], [.. XTicks.Select(t => Numbers.Short(t, 4))])
            : LogX ? LogTicks(limits.Left, limits.Right) : LinearTicks(limits.Left, limits.Right, 6);
        plot.Axes.Left.TickGenerator = LogY ? LogTicks(limits.Bottom, limits.Top) : LinearTicks(limits.Bottom, limits.Top, 5);
    }

    private static NumericManual LinearTicks(double low, double high, int count)
    {
        var ticks = Numbers.RoundTicks(low, high, count);
        return new NumericManual(ticks, Numbers.Labels(ticks));
    }

    // Labels at the powers of ten; within less than two decades also at 2 and 5, within half a decade at round numbers: there are always
    // some to read.
    private static NumericManual LogTicks(double low, double high)
    {
        var ticks = new NumericManual();
        var span = high - low;
        if (span < 0.5)
        {
            var round = Numbers.RoundTicks(Math.Pow(10, low), Math.Pow(10, high), 5);
            return new NumericManual([.. round.Select(Math.Log10)], Numbers.Labels(round));
        }
        var every = Math.Max(1, (int)Math.Ceiling(span / 7));
        for (var decade = (int)Math.Floor(low); decade <= (int)Math.Ceiling(high); decade++)
            for (var digit = 1; digit <= 9; digit++)
            {
                var place = decade + Math.Log10(digit);
                if (place < low || place > high) continue;
                var labelled = digit == 1 ? decade % every == 0 : span < 2 && digit is 2 or 5;
                var label = digit == 1 && span >= 2 ? Numbers.Power(decade) : Numbers.Short(digit * Math.Pow(10, decade), 2);
                if (labelled) ticks.AddMajor(place, label);
                else if (every == 1) ticks.AddMinor(place);
            }
        return ticks;
    }

    private double X(double value) => LogX ? Log(value) : value;

    private double Y(double value) => LogY ? Log(value) : value;

    private static double Log(double value) => value > 0 ? Math.Log10(value) : double.NaN;
}
