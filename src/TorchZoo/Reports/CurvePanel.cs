namespace TorchZoo.Reports;

/// <summary>One small frame of a <see cref="CurvePicture"/>.</summary>
/// <param name="Title">What it shows, in a few letters.</param>
/// <param name="Series">The curves, in the picture's window; names aren't shown. What leaves the window is cut off.</param>
public sealed record CurvePanel(string Title, params IReadOnlyList<Series> Series)
{
    /// <summary>Words below the frame, on as many lines as they need; empty: none.</summary>
    public string Caption { get; init; } = "";
}
