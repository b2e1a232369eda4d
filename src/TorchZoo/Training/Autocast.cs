using TorchSharp;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// libtorch's automatic casting, which TorchSharp doesn't bind: while it is on, matrix products, convolutions and attention cast what they get
/// to a 16-bit type, and losses to float32; normalisations and softmax compute in float32. Each weight is cast once. It holds for the thread
/// that turned it on. Backward passes belong outside of it.
/// </summary>
/// <example><code>
/// Tensor loss;
/// using (Autocast.Enable(device, ScalarType.BFloat16)) loss = Loss(model.call(input), target);
/// loss.backward();
/// </code></example>
public static unsafe class Autocast
{
    private static readonly Lazy<Functions?> Native = new(Functions.Find);

    /// <summary>Whether this libtorch has it where we look for it.</summary>
    public static bool IsAvailable => Native.Value is not null;

    private static Functions Available => Native.Value
        ?? throw new NotSupportedException("this build of libtorch exports no automatic casting: use float32");

    /// <summary>Turns it on until the returned object is disposed of; then it is as it was before.</summary>
    /// <param name="device">Where what is cast is.</param>
    /// <param name="dtype">bfloat16 or float16.</param>
    /// <exception cref="ArgumentException">Another dtype.</exception>
    /// <exception cref="NotSupportedException">See <see cref="IsAvailable"/>.</exception>
    public static IDisposable Enable(Device device, ScalarType dtype)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (dtype is not (ScalarType.BFloat16 or ScalarType.Float16))
            throw new ArgumentException($"autocasting is to BFloat16 or Float16, not {dtype}", nameof(dtype));
        return new Region(Available, device.type, true, dtype);
    }

    /// <summary>Turns it off until the returned object is disposed of.</summary>
    /// <param name="device">Where what is not to be cast is.</param>
    public static IDisposable Disable(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Native.Value is { } native ? new Region(native, device.type, false, null) : new Region(null, device.type, false, null);
    }

    /// <summary>What it casts to on this thread; null: it is off.</summary>
    public static ScalarType? TypeOn(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Native.Value is { } native && native.IsEnabled((sbyte)device.type) != 0 ? (ScalarType)native.Type((sbyte)device.type) : null;
    }

    /// <summary>A tensor of a 16-bit type as float32, any other as it is: for operations that have no 16-bit form, such as Fourier
    /// transforms.</summary>
    public static Tensor ToFullPrecision(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? tensor.to(ScalarType.Float32) : tensor;
    }

    /// <summary>As <see cref="Enable"/>, or <see cref="Disable"/> for null.</summary>
    internal static IDisposable Set(Device device, ScalarType? dtype) => dtype is { } type ? Enable(device, type) : Disable(device);

    // at::autocast, of libtorch_cpu in CUDA builds too.
    private sealed record Functions(nint SetEnabled, nint IsEnabledAt, nint SetType, nint TypeAt, nint Enter, nint Leave, nint Clear)
    {
        public static Functions? Find()
        {
            TorchRuntime.EnsureLoaded();
            nint[] found =
            [
                TorchExports.Find("_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb", "?set_autocast_enabled@autocast@at@@YAXW4DeviceType@c10@@_N@Z"),
                TorchExports.Find("_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE", "?is_autocast_enabled@autocast@at@@YA_NW4DeviceType@c10@@@Z"),
                TorchExports.Find("_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE",
                    "?set_autocast_dtype@autocast@at@@YAXW4DeviceType@c10@@W4ScalarType@4@@Z"),
                TorchExports.Find("_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE",
                    "?get_autocast_dtype@autocast@at@@YA?AW4ScalarType@c10@@W4DeviceType@4@@Z"),
                TorchExports.Find("_ZN2at8autocast17increment_nestingEv", "?increment_nesting@autocast@at@@YAHXZ"),
                TorchExports.Find("_ZN2at8autocast17decrement_nestingEv", "?decrement_nesting@autocast@at@@YAHXZ"),
                TorchExports.Find("_ZN2at8autocast11clear_cacheEv", "?clear_cache@autocast@at@@YAXXZ"),
            ];
            return found.Contains(0) ? null : new Functions(found[0], found[1], found[2], found[3], found[4], found[5], found[6]);
        }

        public void Set(sbyte device, bool on) => ((delegate* unmanaged<sbyte, byte, void>)SetEnabled)(device, on ? (byte)1 : (byte)0);

        public byte IsEnabled(sbyte device) => ((delegate* unmanaged<sbyte, byte>)IsEnabledAt)(device);

        public void Cast(sbyte device, sbyte type) => ((delegate* unmanaged<sbyte, sbyte, void>)SetType)(device, type);

        public sbyte Type(sbyte device) => ((delegate* unmanaged<sbyte, sbyte>)TypeAt)(device);

        public void Begin() => _ = ((delegate* unmanaged<int>)Enter)();

        // The cast weights belong to the outermost region.
        public void End()
        {
            if (((delegate* unmanaged<int>)Leave)() == 0) ((delegate* unmanaged<void>)Clear)();
        }
    }

    private sealed class Region : IDisposable
    {
        private readonly sbyte _device;
        private readonly bool _before;
        private readonly sbyte _type;
        private Functions? _native;

        public Region(Functions? native, DeviceType device, bool on, ScalarType? type)
        {
            (_native, _device) = (native, (sbyte)device);
            if (native is null) return;
            (_before, _type) = (native.IsEnabled(_device) != 0, native.Type(_device));
            if (type is { } to) native.Cast(_device, (sbyte)to);
            native.Set(_device, on);
            native.Begin();
        }

        public void Dispose()
        {
            if (_native is not { } native) return;
            _native = null;
            native.End();
            native.Set(_device, _before);
            native.Cast(_device, _type);
        }
    }
}
