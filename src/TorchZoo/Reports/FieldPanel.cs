using TorchSharp;

namespace TorchZoo.Reports;

/// <summary>One field of a <see cref="FieldPicture"/>.</summary>
/// <param name="Title">What it shows, e.g. <c>prediction</c>.</param>
/// <param name="Values">The field, row by row from the top. What isn't finite is grey.</param>
public sealed record FieldPanel(string Title, float[,] Values)
{
    /// <summary>A field out of a tensor of any real type, on any device.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="values">The field, <c>(height, width)</c>; further axes of length one are dropped.</param>
    /// <exception cref="ArgumentException">The tensor has another number of axes.</exception>
    public FieldPanel(string title, torch.Tensor values) : this(title, ToArray(values))
    {
    }

    /// <summary>Its colours.</summary>
    public ColorScale Colors { get; init; }

    /// <summary>Panels of the same name share one range of values, e.g. truth and prediction; null: its own.</summary>
    public string? Scale { get; init; }

    /// <summary>Draws the line on which the field has this value, if all of it is finite; null: none.</summary>
    public double? Level { get; init; }

    private static float[,] ToArray(torch.Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = torch.NewDisposeScope();
        var field = values.detach().squeeze();
        if (field.dim() != 2)
            throw new ArgumentException($"A field (height, width) was expected, not ({string.Join(", ", values.shape)}).", nameof(values));
        field = field.to(torch.float32).cpu().contiguous();
        var result = new float[field.shape[0], field.shape[1]];
        Buffer.BlockCopy(field.data<float>().ToArray(), 0, result, 0, result.Length * sizeof(float));
        return result;
    }
}
