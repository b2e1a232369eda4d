using static TorchSharp.torch;

namespace TorchZoo.Models.Sequences;

/// <summary>Samples of different lengths in one batch, the shorter ones padded at the end.</summary>
internal static class SequenceLengths
{
    public static void Check(Tensor? lengths, Tensor x)
    {
        if (lengths is null) return;
        Kernels.Expect.Shape(lengths, nameof(lengths), x.shape[0]);
        Kernels.Expect.Type(lengths, nameof(lengths), ScalarType.Int64);
        if (lengths.device_type != x.device_type || lengths.device_index != x.device_index)
            throw new ArgumentException($"expected them on {x.device}, got {lengths.device}", nameof(lengths));
        if (lengths.numel() == 0) return;
        var (shortest, longest) = (lengths.min().item<long>(), lengths.max().item<long>());
        if (shortest < 0 || longest > x.shape[1])
            throw new ArgumentException($"expected lengths from 0 to {x.shape[1]}, got {shortest} to {longest}", nameof(lengths));
    }

    /// <summary>(batch, time, 1): 1 where a step counts.</summary>
    public static Tensor Mask(Tensor lengths, long steps, ScalarType type) =>
        arange(steps, ScalarType.Int64, lengths.device).unsqueeze(0).lt(lengths.unsqueeze(1)).unsqueeze(-1).to(type);

    /// <summary>(batch, time, channels) → (batch, channels), each sample's last step that counts; its first if none does.</summary>
    public static Tensor Last(Tensor states, Tensor lengths)
    {
        var at = (lengths - 1).clamp_min(0).view(-1, 1, 1).expand(-1, 1, states.shape[2]);
        return states.gather(1, at).squeeze(1);
    }

    /// <summary>Each sample's steps that count in the opposite order, the others as they are.</summary>
    public static Tensor Reverse(Tensor x, Tensor? lengths)
    {
        if (lengths is null) return x.flip(1);
        var time = arange(x.shape[1], ScalarType.Int64, x.device).unsqueeze(0);
        var mirrored = lengths.unsqueeze(1) - 1 - time;
        var at = where(mirrored.ge(0), mirrored, time).unsqueeze(-1).expand(-1, -1, x.shape[2]);
        return x.gather(1, at);
    }
}
