using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>Layers and feature maps by <see cref="SnnkKind"/>.</summary>
internal static class SnnkLayers
{
    public static RandomFeatures Layer(SnnkKind kind, long inFeatures, long outFeatures, long features, SnnkOptions options,
        Generator? generator) => kind switch
        {
            SnnkKind.Relu => new ReluSnnkLayer(inFeatures, outFeatures, features, options.Constant, options.Orthogonal, options.Norm,
                generator: generator),
            SnnkKind.Trig => new TrigSnnkLayer(inFeatures, outFeatures, features, options.Orthogonal, options.Norm, generator: generator),
            _ => new SnnkLayer(inFeatures, outFeatures, features, Spectrum(kind), orthogonal: options.Orthogonal, m: options.M,
                norm: options.Norm, generator: generator),
        };

    public static RandomFeatures Map(SnnkKind kind, long inFeatures, long features, SnnkOptions options, Generator? generator) =>
        kind switch
        {
            SnnkKind.Relu => new ReluRandomFeatures(inFeatures, features, options.Constant, options.Orthogonal, options.Norm, generator),
            SnnkKind.Trig => new TrigRandomFeatures(inFeatures, features, options.Orthogonal, options.Norm, generator),
            _ => new UniversalRandomFeatures(inFeatures, features, Spectrum(kind), UrfSplit.Symmetric, options.Orthogonal, options.M,
                options.Norm, generator),
        };

    private static UrfSpectrum Spectrum(SnnkKind kind) => kind switch
    {
        SnnkKind.Cosine => UrfSpectrum.Cosine,
        SnnkKind.Sine => UrfSpectrum.Sine,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "is no kind"),
    };
}
