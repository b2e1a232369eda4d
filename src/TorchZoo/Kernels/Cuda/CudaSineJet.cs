using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cuda;

/// <summary><see cref="SineJet"/> on a GPU, on raw memory.</summary>
internal static class CudaSineJet
{
    // They travel as an argument: the kernel's struct Weights.
    private const int MostWeights = 256;

    private static readonly CudaSource Source = CudaSource.Embedded(typeof(CudaSineJet).Assembly, "sine_jet.cu");

    /// <summary>There is room for these operators' weights.</summary>
    public static bool Takes(double[,] second) => second.Length <= MostWeights;

    /// <summary><see cref="SineJet.Forward"/>.</summary>
    public static void Forward<T>(CudaStream stream, CudaArgument z, CudaArgument bias, CudaArgument y, long points, long width, int d,
        double[,] second, double omega) where T : unmanaged, IFloatingPointIeee754<T> =>
        Kernel<T>(stream, "forward").LaunchFor(points * width, stream,
            z, bias, y, points, width, d, second.GetLength(0), Weights<T>.Of(second), CudaArgument.Of(T.CreateChecked(omega)));

    /// <summary><see cref="SineJet.Backward"/>.</summary>
    public static void Backward<T>(CudaStream stream, CudaArgument z, CudaArgument bias, CudaArgument gradient, CudaArgument y, long points,
        long width, int d, double[,] second, double omega) where T : unmanaged, IFloatingPointIeee754<T> =>
        Kernel<T>(stream, "backward").LaunchFor(points * width, stream,
            z, bias, gradient, y, points, width, d, second.GetLength(0), Weights<T>.Of(second), CudaArgument.Of(T.CreateChecked(omega)));

    private static CudaKernel Kernel<T>(CudaStream stream, string name) =>
        stream.Device.Kernel(Source, $"{name}<{(typeof(T) == typeof(float) ? "float" : "double")}>");

    [InlineArray(MostWeights)]
    private struct Weights<T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        private T _first;

        public static CudaArgument Of(double[,] second)
        {
            var weights = new Weights<T>();
            var i = 0;
            foreach (var weight in second) weights[i++] = T.CreateChecked(weight);
            return CudaArgument.Of(weights);
        }
    }
}
