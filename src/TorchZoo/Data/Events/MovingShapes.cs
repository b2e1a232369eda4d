using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace TorchZoo.Data.Events;

/// <summary>
/// A shape goes straight across the view of an event camera, with a constant speed. A pixel has an event each time that the logarithm of
/// its intensity has changed by a threshold since its last one; some events are noise.
/// </summary>
/// <remarks>With <see cref="ShapeContrast.Either"/> and the direction for a label, what sees one frame at a time and sums what it makes of
/// each is right about every second time: opposite directions look the same, but for events coming a fraction of a pixel late.</remarks>
public sealed record MovingShapes : IDataGenerator
{
    // A shape moves by at most so many pixels between two looks at it.
    private const double Stride = 0.25;

    /// <summary>Rows and columns of the sensor.</summary>
    public int Size { get; init; } = 24;

    /// <summary>T: frames, of equal duration.</summary>
    public int Frames { get; init; } = 8;

    /// <summary>Of a recording, in µs.</summary>
    public long Duration { get; init; } = 80_000;

    /// <summary>Directions, the first one to the right, further ones clockwise.</summary>
    public int Directions { get; init; } = 4;

    /// <summary>The shapes that there are.</summary>
    public IReadOnlyList<MovingShape> Shapes { get; init; } = Enum.GetValues<MovingShape>();

    /// <summary>How they stand out.</summary>
    public ShapeContrast Contrast { get; init; } = ShapeContrast.Bright;

    /// <summary>What the class is.</summary>
    public ShapeLabel Label { get; init; } = ShapeLabel.Direction;

    /// <summary>Half the extent of the smallest shape, in pixels.</summary>
    public double LeastRadius { get; init; } = 2.5;

    /// <summary>Half the extent of the largest shape, in pixels.</summary>
    public double MostRadius { get; init; } = 4;

    /// <summary>How far a shape goes, in pixels.</summary>
    public double Distance { get; init; } = 14;

    /// <summary>Logarithm of the ratio of intensities of a shape and what is behind it.</summary>
    public double LogContrast { get; init; } = 1;

    /// <summary>Change of the logarithm of intensity that makes an event.</summary>
    public double Threshold { get; init; } = 0.4;

    /// <summary>Events of noise of a pixel in a second.</summary>
    public double NoiseRate { get; init; } = 0.5;

    string IDataGenerator.Name => "moving-shapes";

    /// <summary>Number of classes.</summary>
    [JsonIgnore]
    public int Classes => Label switch
    {
        ShapeLabel.Direction => Directions,
        ShapeLabel.Shape => Shapes.Count,
        _ => Directions * Shapes.Count,
    };

    /// <summary>The classes' names, by their numbers.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> ClassNames => Label switch
    {
        ShapeLabel.Direction => [.. Enumerable.Range(0, Directions).Select(DirectionName)],
        ShapeLabel.Shape => [.. Shapes.Select(s => s.ToString().ToLowerInvariant())],
        _ => [.. Shapes.SelectMany(s => Enumerable.Range(0, Directions)
            .Select(d => $"{s.ToString().ToLowerInvariant()} {DirectionName(d)}"))],
    };

    /// <summary>Draws recordings and counts their events.</summary>
    /// <returns><c>frames</c> float32 (samples, T, 2, Size, Size), see <see cref="EventFrames"/>; <c>labels</c> int64 (samples);
    /// <c>shapes</c>, <c>directions</c> int64 (samples), and <c>bright</c>, bool.</returns>
    /// <inheritdoc/>
    public Dictionary<string, Tensor> Generate(long samples, long seed, IProgressDisplay? display = null,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        Check();
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var line = (display ?? IProgressDisplay.None).Start("Moving shapes before an event camera");
        var frames = empty([samples, Frames, 2, Size, Size], ScalarType.Float32);
        var (labels, shapes, directions, bright) = (new long[samples], new long[samples], new long[samples], new bool[samples]);
        for (var i = 0L; i < samples; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var scene = Draw(i, seed);
            using var counted = EventFrames.ByTime(scene.Record(this), Frames, 0, Duration);
            using var place = frames[i];
            place.copy_(counted);
            (labels[i], shapes[i], directions[i], bright[i]) = (LabelOf(scene), scene.Shape, scene.Direction, scene.IsBright);
            if (i % 64 == 0) line.Report((double)i / samples);
        }
        var result = new Dictionary<string, Tensor>
        {
            ["frames"] = frames,
            ["labels"] = tensor(labels, ScalarType.Int64),
            ["shapes"] = tensor(shapes, ScalarType.Int64),
            ["directions"] = tensor(directions, ScalarType.Int64),
            ["bright"] = tensor(bright, ScalarType.Bool),
        };
        foreach (var each in result.Values) each.MoveToOuterDisposeScope();
        return result;
    }

    /// <summary>One of the recordings of <see cref="Generate"/>.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="seed">Seed of all randomness.</param>
    /// <returns>The events in order, and the class's number.</returns>
    public (EventStream Events, int Label) Example(long number, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        Check();
        var scene = Draw(number, seed);
        return (scene.Record(this), LabelOf(scene));
    }

    /// <summary>The events of a shape that goes a way, without noise.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="radius">Half its extent, in pixels.</param>
    /// <param name="from">Where its middle is at first: column and row, in pixels.</param>
    /// <param name="to">Where it is in the end.</param>
    /// <param name="isBright">Whether it is brighter than what is behind it.</param>
    public EventStream Record(MovingShape shape, double radius, (double X, double Y) from, (double X, double Y) to, bool isBright = true)
    {
        Check();
        return new Scene(0, 0, shape, radius, from, to, isBright, 0).Record(this with { NoiseRate = 0 });
    }

    private void Check()
    {
        if (Size is < 4 or > 1024) throw new ArgumentException($"Expected a sensor of 4 to 1024 pixels, got {Size}", nameof(Size));
        if (Frames < 1) throw new ArgumentException($"Expected at least one frame, got {Frames}", nameof(Frames));
        if (Duration < Frames) throw new ArgumentException($"Expected at least 1 µs a frame, got {Duration} µs", nameof(Duration));
        if (Directions is < 2 or > 64) throw new ArgumentException($"Expected 2 to 64 directions, got {Directions}", nameof(Directions));
        if (Shapes is not { Count: > 0 } || Shapes.Any(s => !Enum.IsDefined(s)))
            throw new ArgumentException("Expected at least one shape", nameof(Shapes));
        if (!(LeastRadius > 0 && MostRadius >= LeastRadius) || !double.IsFinite(MostRadius))
            throw new ArgumentException($"Expected a positive radius, got {LeastRadius} to {MostRadius}", nameof(LeastRadius));
        if (!(Distance >= 0) || Distance + 2 * MostRadius > Size)
            throw new ArgumentException($"A shape of radius {MostRadius} can't go {Distance} pixels within {Size}", nameof(Distance));
        if (!(Threshold > 0) || !double.IsFinite(Threshold))
            throw new ArgumentException($"Expected a positive threshold, got {Threshold}", nameof(Threshold));
        if (!(LogContrast > 0) || LogContrast > 1000 * Threshold)
            throw new ArgumentException($"Expected a positive contrast of at most 1000 thresholds, got {LogContrast}", nameof(LogContrast));
        if (!(NoiseRate >= 0) || NoiseRate * Duration / 1e6 > 1000)
            throw new ArgumentException($"Expected a rate of noise of at most 1000 events a pixel, got {NoiseRate}/s", nameof(NoiseRate));
    }

    private int LabelOf(Scene scene) => Label switch
    {
        ShapeLabel.Direction => scene.Direction,
        ShapeLabel.Shape => scene.Shape,
        _ => scene.Shape * Directions + scene.Direction,
    };

    private string DirectionName(int direction) => Directions == 4 ? new[] { "right", "down", "left", "up" }[direction]
        : $"{360.0 * direction / Directions:0.#}°";

    private Scene Draw(long number, long seed)
    {
        // An example depends on its number only, not on how many there are.
        var random = new Random(unchecked((int)Seed.Derive((ulong)seed, (ulong)number)));
        int shape = random.Next(Shapes.Count), direction = random.Next(Directions);
        var isBright = Contrast == ShapeContrast.Bright | random.Next(2) == 0;
        var radius = LeastRadius + (MostRadius - LeastRadius) * random.NextDouble();
        var angle = 2 * Math.PI * direction / Directions;
        var (alongX, alongY) = (Distance * Math.Cos(angle), Distance * Math.Sin(angle));
        // The middle of the way lies anywhere where all of it is in view: so no place tells a direction from the opposite one.
        var middleX = Between(radius + Math.Abs(alongX) / 2, random.NextDouble());
        var middleY = Between(radius + Math.Abs(alongY) / 2, random.NextDouble());
        return new Scene(shape, direction, Shapes[shape], radius, (middleX - alongX / 2, middleY - alongY / 2),
            (middleX + alongX / 2, middleY + alongY / 2), isBright, random.Next());

        double Between(double margin, double share) => margin + (Size - 2 * margin) * share;
    }

    private sealed record Scene(int Shape, int Direction, MovingShape Kind, double Radius, (double X, double Y) From,
        (double X, double Y) To, bool IsBright, int NoiseSeed)
    {
        public EventStream Record(MovingShapes camera)
        {
            var size = camera.Size;
            var events = new EventBuffer(size, size);
            var steps = Math.Max(1, (int)Math.Ceiling(Math.Sqrt(Math.Pow(To.X - From.X, 2) + Math.Pow(To.Y - From.Y, 2)) / Stride));
            // What each pixel sees, and where it had its last event.
            var (seen, reference) = (new double[size * size], new double[size * size]);
            Look(camera, 0, seen, 0, size, 0, size);
            seen.CopyTo(reference, 0);
            var now = new double[size * size];
            for (var step = 1; step <= steps; step++)
            {
                var (before, after) = ((step - 1.0) / steps, (double)step / steps);
                // Only where the shape was or is.
                var (left, right) = Range(From.X + (To.X - From.X) * before, From.X + (To.X - From.X) * after, size);
                var (top, bottom) = Range(From.Y + (To.Y - From.Y) * before, From.Y + (To.Y - From.Y) * after, size);
                Look(camera, after, now, left, right, top, bottom);
                for (var y = top; y < bottom; y++)
                    for (var x = left; x < right; x++)
                    {
                        var at = y * size + x;
                        var change = now[at] - seen[at];
                        while (Math.Abs(now[at] - reference[at]) >= camera.Threshold)
                        {
                            var isOn = now[at] > reference[at];
                            reference[at] += isOn ? camera.Threshold : -camera.Threshold;
                            // When a line from what was seen to what is seen meets the new level.
                            var share = change == 0 ? 1 : Math.Clamp((reference[at] - seen[at]) / change, 0, 1);
                            events.Add((long)((before + (after - before) * share) * (camera.Duration - 1)), x, y, isOn);
                        }
                        seen[at] = now[at];
                    }
            }
            var noise = new Random(NoiseSeed);
            var expected = camera.NoiseRate * camera.Duration / 1e6;
            for (var at = 0; expected > 0 && at < size * size; at++)
                // Times between events of a Poisson process.
                for (var time = -Math.Log(1 - noise.NextDouble()) / expected; time < 1; time -= Math.Log(1 - noise.NextDouble()) / expected)
                    events.Add((long)(time * (camera.Duration - 1)), at % size, at / size, noise.Next(2) == 0);
            return events.Sorted();
        }

        private (int From, int To) Range(double a, double b, int size) =>
            (Math.Clamp((int)Math.Floor(Math.Min(a, b) - Radius - 2), 0, size),
                Math.Clamp((int)Math.Ceiling(Math.Max(a, b) + Radius + 2), 0, size));

        // Logarithm of intensity over that of what is behind.
        private void Look(MovingShapes camera, double when, double[] image, int left, int right, int top, int bottom)
        {
            var (middleX, middleY) = (From.X + (To.X - From.X) * when, From.Y + (To.Y - From.Y) * when);
            var full = IsBright ? camera.LogContrast : -camera.LogContrast;
            for (var y = top; y < bottom; y++)
                for (var x = left; x < right; x++)
                    image[y * camera.Size + x] = full * Math.Clamp(0.5 - Distance(x + 0.5 - middleX, y + 0.5 - middleY), 0, 1);
        }

        // From the shape's edge; negative within. Exact or not, its zero is the edge and its slope about 1 there.
        private double Distance(double x, double y)
        {
            var (u, v) = (Math.Abs(x), Math.Abs(y));
            return Kind switch
            {
                MovingShape.Square => Math.Max(u, v) - Radius,
                MovingShape.Circle => Math.Sqrt(x * x + y * y) - Radius,
                MovingShape.Triangle => Math.Max(y - Radius, (2 * u - y - Radius) / Math.Sqrt(5)),
                MovingShape.Bar => Math.Max(u - 0.4 * Radius, v - Radius),
                _ => Math.Min(Math.Max(u - 0.35 * Radius, v - Radius), Math.Max(v - 0.35 * Radius, u - Radius)),
            };
        }
    }
}
